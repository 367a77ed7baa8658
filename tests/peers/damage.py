# SPDX-License-Identifier: LGPL-2.1-or-later
#
# damage.py FILE OUT N|last: a copy of a snapshot in which its N-th data frame, or
# the last one of pCPU 1, cannot be read; prints how many records were in it.
# Status 3: there are not so many.

import struct
import sys

b = bytearray(open(sys.argv[1], 'rb').read())
index = struct.unpack_from('<Q', b, len(b) - 32)[0]
frames, size = struct.unpack_from('<II', b, index + 16)
found = [struct.unpack_from('<QIIHHBBHII', b, index + 24 + i * size)
         for i in range(frames)]
found = [f for f in found if f[3] == 2]
if sys.argv[3] == 'last':
    f = [f for f in found if f[4] == 1][-1]
elif int(sys.argv[3]) < len(found):
    f = found[int(sys.argv[3])]
else:
    sys.exit(3)
b[f[0] + f[1] // 2] ^= 0xff
open(sys.argv[2], 'wb').write(b)
print(f[9])
