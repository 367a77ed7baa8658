# SPDX-License-Identifier: LGPL-2.1-or-later
"""Small faults for a C source: find them, choose some by a seed, plant one.

A mutation replaces one span of the text and keeps the number of lines.  Its key is
made of the file's name, the function, the statement and the mutation, not of paths
and line numbers, so a seed chooses the same ones after code has moved.
"""

import hashlib
import re

TOKEN = re.compile(r'''
    (?P<skip>\s+|/\*.*?\*/|//[^\n]*|^[ \t]*\#(?:[^\n\\]|\\.)*)
  | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
  | (?P<number>\.?\d(?:[eEpP][+-]|[\w.])*)
  | (?P<word>[A-Za-z_]\w*)
  | (?P<op><<=|>>=|\.\.\.|->|\+\+|--|&&|\|\||[-+*/%&|^!<>=]=|<<|>>|[-+*/%&|^~!<>=?:;,.(){}\[\]])
''', re.X | re.S | re.M)

RELATION = {'<': '<=', '<=': '<', '>': '>=', '>=': '>', '==': '!=', '!=': '=='}
LOGIC = {'&&': '||', '||': '&&'}
SUM = {'+': '-', '-': '+'}
ASSIGN = {'=', '+=', '-=', '|=', '&=', '^=', '<<=', '>>='}
KEYWORDS = {'if', 'else', 'for', 'while', 'do', 'switch', 'case', 'default', 'return',
            'goto', 'break', 'continue', 'sizeof', 'const', 'static', 'struct', 'enum',
            'union', 'unsigned', 'typedef', 'extern'}
# A lost free() is for the sanitizers' build to find, a lost message of a failure for a
# reader of the log.
CALLS_LEFT = re.compile(r'(free|json_decref|va_end|assert|ASSERT|BUILD_BUG_ON|.*_free|'
                        r'(.*_)?log(_.*)?|fprintf|fputs|message|warn)$')


class Token:
    __slots__ = ('kind', 'text', 'start', 'end')

    def __init__(self, kind, text, start, end):
        self.kind, self.text, self.start, self.end = kind, text, start, end


def tokens(source):
    out, at = [], 0
    while at < len(source):
        m = TOKEN.match(source, at)
        if not m:
            at += 1
            continue
        if m.lastgroup != 'skip':
            out.append(Token(m.lastgroup, m.group(), m.start(), m.end()))
        at = m.end()
    return out


class Mutation:
    def __init__(self, source, path, function, span, new, kind, statement):
        self.path, self.function, self.kind = path, function, kind
        self.start, self.end = span
        self.old = source[self.start:self.end]
        self.new = new + '\n' * (self.old.count('\n') - new.count('\n'))
        self.line = source.count('\n', 0, self.start) + 1
        self.statement = ' '.join(statement.split())
        self.count = 0          # of earlier ones with the same key

    def key(self, seed):
        text = '\0'.join((str(seed), self.path.rsplit('/', 1)[-1], self.function,
                          self.statement, self.kind, ' '.join(self.old.split()),
                          str(self.count)))
        return hashlib.sha256(text.encode()).hexdigest()

    def name(self):
        return self.key('')[:10]

    def apply(self, source):
        return source[:self.start] + self.new + source[self.end:]

    def __str__(self):
        def short(text):
            text = ' '.join(text.split())
            return text if len(text) <= 60 else text[:57] + '...'
        return f'{self.path}:{self.line}: {self.function}(): {self.kind}: ' \
               f'{short(self.old)} -> {short(self.new) or "nothing"}'


def closing(toks, i):
    """Index of the parenthesis or brace that closes toks[i]."""
    pair = {'(': ')', '{': '}', '[': ']'}
    depth, opens, closes = 0, toks[i].text, pair[toks[i].text]
    for j in range(i, len(toks)):
        if toks[j].text == opens:
            depth += 1
        elif toks[j].text == closes:
            depth -= 1
            if not depth:
                return j
    return len(toks) - 1


def bodies(toks):
    """Yield (name, first, last): the tokens of each function's body."""
    i = 0
    while i < len(toks):
        if toks[i].text != '{':
            i += 1
            continue
        end = closing(toks, i)
        # NAME ( ... ) {
        if i and toks[i - 1].text == ')':
            j, depth = i - 1, 0
            while j >= 0:
                depth += (toks[j].text == ')') - (toks[j].text == '(')
                if not depth:
                    break
                j -= 1
            if j > 0 and toks[j - 1].kind == 'word':
                yield toks[j - 1].text, i + 1, end
        i = end + 1


def one_more(text):
    m = re.fullmatch(r'(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)', text)
    if not m:
        return None
    value = int(m.group(1), 0) if not re.fullmatch(r'0\d+', m.group(1)) \
        else int(m.group(1), 8)
    value = 0 if value == 1 else value + 1
    return (hex(value) if m.group(1)[:2] in ('0x', '0X') else str(value)) + m.group(2)


def statement_end(toks, i, last):
    depth = 0
    for j in range(i, last):
        t = toks[j].text
        depth += (t in '([{') - (t in ')]}') if t else 0
        if t == ';' and depth <= 0:
            return j
        if depth < 0:
            return None
    return None


def in_body(source, path, toks, function, first, last):
    """Yield the mutations of one function."""
    begin = first               # of the statement
    for_until = -1              # inside the head of a `for'
    case_until = -1
    for i in range(first, last):
        t = toks[i]
        prev = toks[i - 1]
        starts = prev.text in ('{', '}', ';') or \
            (prev.text == ')' and i - 1 == for_until)
        if prev.text in ('{', '}', ';', ':') and i > for_until:
            begin = i

        def make(a, b, new, kind):
            stop = statement_end(toks, i, last)
            text = source[toks[begin].start:toks[stop].end if stop else b]
            return Mutation(source, path, function, (a, b), new, kind, text)

        if t.text in ('for', 'while', 'if', 'switch') and toks[i + 1].text == '(':
            close = closing(toks, i + 1)
            if t.text == 'for':
                for_until = close
            if t.text == 'if':
                a, b = toks[i + 2].start, toks[close - 1].end
                yield make(a, b, f'!({source[a:b]})', 'condition negated')
            # Statements may follow the head without a brace.
            after = close + 1
            if t.text in ('if', 'for', 'while') and toks[after].text != '{':
                yield from statement(source, path, toks, function, after, last, begin)
            continue
        if t.text == 'case':
            case_until = i + next((k for k in range(20)
                                   if i + k < last and toks[i + k].text == ':'), 0)
        if t.text == 'else' and toks[i + 1].text not in ('{', 'if'):
            yield from statement(source, path, toks, function, i + 1, last, begin)
        if starts and t.text not in ('{', '}') and i > for_until:
            yield from statement(source, path, toks, function, i, last, begin)
        if t.kind == 'op' and t.text in RELATION:
            yield make(t.start, t.end, RELATION[t.text], 'relation')
        elif t.kind == 'op' and t.text in LOGIC:
            yield make(t.start, t.end, LOGIC[t.text], 'logic')
        elif t.kind == 'op' and t.text in SUM and \
                (prev.kind in ('word', 'number') or prev.text in (')', ']')) and \
                prev.text not in KEYWORDS:
            yield make(t.start, t.end, SUM[t.text], 'sum')
        elif t.kind == 'number' and i > case_until:
            new = one_more(t.text)
            if new:
                yield make(t.start, t.end, new, 'constant')
        elif t.text in ('true', 'false'):
            yield make(t.start, t.end, 'false' if t.text == 'true' else 'true',
                       'constant')
        elif t.kind == 'op' and t.text == '!' and toks[i + 1].text != '=':
            yield make(t.start, t.end, '', 'negation dropped')


def statement(source, path, toks, function, i, last, begin):
    """Yield the mutations of a whole statement that begins at toks[i]."""
    t = toks[i]
    end = statement_end(toks, i, last)
    if end is None or end == i:
        return
    span = (t.start, toks[end - 1].end)
    text = source[toks[begin].start:toks[end].end]

    if 'ENOMEM' in text:
        return                  # no test makes malloc() fail

    def make(new, kind, where=span):
        return Mutation(source, path, function, where, new, kind, text)

    if t.text == 'return':
        value = source[toks[i + 1].start:span[1]] if end > i + 1 else ''
        where = (toks[i + 1].start, span[1]) if value else None
        if re.fullmatch(r'-E[A-Z0-9]+', value) and value != '-ENOMEM':
            yield make('0', 'error dropped', where)
        elif value == 'rc':
            yield make('0', 'error dropped', where)
        return
    if t.kind != 'word' or t.text in KEYWORDS:
        if t.text in ('break', 'continue') and toks[i - 1].text != ';':
            yield make('', 'jump dropped')
        return
    inner = toks[i:end]
    if toks[i + 1].text == '(' and closing(toks, i + 1) == end - 1:
        if not CALLS_LEFT.match(t.text):
            yield make('', 'call dropped')
        return
    depth = 0
    for k, x in enumerate(inner):
        depth += (x.text in '([{') - (x.text in ')]}')
        if not depth and x.kind == 'op' and x.text in ASSIGN:
            left = inner[:k]
            # "struct foo a = ..." and "int a = ..." are declarations.
            words = [w for n, w in enumerate(left) if w.kind == 'word' and
                     (n == 0 or left[n - 1].text not in ('.', '->', '['))]
            if len(words) == 1 or (left and left[0].text == '*'):
                yield make('', 'assignment dropped')
            return
        if not depth and x.text in ('++', '--'):
            yield make('', 'step dropped')
            return


def mutations(path, source):
    """All mutations of a file, in the order of its text."""
    toks = tokens(source)
    found, seen = [], {}
    for name, first, last in bodies(toks):
        for m in in_body(source, path, toks, name, first, last):
            key = m.key('')
            m.count = seen[key] = seen.get(key, -1) + 1
            found.append(m)
    return found


def choose(files, weights, number, seed):
    """Choose `number' mutations of {path: source}.

    Each file gets a share by its length times its weight, and no two mutations of a
    file are on one line while there are others.
    """
    size = {p: source.count('\n') * weights[p] for p, source in files.items()}
    total = sum(size.values()) or 1
    chosen, quota = [], 0.0
    for path in sorted(files, key=lambda p: (p.rsplit('/', 1)[-1], p)):
        quota += size[path] * number / total
        share = round(quota)
        quota -= share
        ordered = sorted(mutations(path, files[path]), key=lambda m: m.key(seed))
        first, rest, lines = [], [], set()
        for m in ordered:
            (rest if m.line in lines else first).append(m)
            lines.add(m.line)
        chosen += (first + rest)[:share]
    return chosen
