"""Puts many mutants into one source file, each behind a switch: `crate::mutant_switch::on(37)` chooses the changed text or the written one.

Only one mutant is ever on, so what is changed holds the plain text of everything around it and mutants inside one another need no care. What
cannot be chosen at run time (constants, `const fn`, links of a let chain, a function that returns `impl Trait`) is told, and goes the slow way.
No file is read or written here. `python3 scripts/mutants_switches.py` tests the rewriting; it needs scripts/mutants-requirements.txt.
"""

import re
from dataclasses import dataclass, field

import tree_sitter_rust
from tree_sitter import Language, Node, Parser

PARSER = Parser(Language(tree_sitter_rust.language()))

SWITCH = '''\
//! Which mutant of this crate is on. Written by `scripts/mutants` into its copy of the sources; no part of the project.

static CHOSEN: std::sync::LazyLock<u32> = std::sync::LazyLock::new(|| {
    std::env::var("COUNTERSIGN_MUTANT").map_or(0, |number| number.parse().expect("the number of a mutant"))
});

/// Whether the mutant of this number is on.
pub(crate) fn on(number: u32) -> bool {
    *CHOSEN == number
}
'''
DECLARATION = "\nmod mutant_switch;\n"


class Unswitchable(Exception):
    """Why a mutant cannot be chosen at run time."""


@dataclass
class Place:
    """A stretch of a file that is written once as it is and once for each mutant."""

    start: int
    end: int
    kind: str  # "expression", "statement", "static", "return", "arm"
    # Of each mutant: its number and the whole changed text; nothing for arms, that only lose their turn.
    changed: list[tuple[int, str]] = field(default_factory=list)
    # Of a static: the bytes of its type.
    type_start: int = 0
    type_end: int = 0


@dataclass
class Switched:
    text: str
    # Mutants of the file that have no switch, with the reason.
    left: dict[int, str]


def switched(text: str, mutants: dict[int, dict]) -> Switched:
    """The file with a switch for each of the mutants: numbers and what `cargo mutants --list --json` says."""
    source = text.encode()
    tree = PARSER.parse(source)
    places: dict[tuple[int, int, str], Place] = {}
    left: dict[int, str] = {}
    for number, mutant in mutants.items():
        start, end = (byte_at(text, mutant["span"][side]) for side in ("start", "end"))
        try:
            place = place_of(tree.root_node, source, mutant, start, end)
        except Unswitchable as reason:
            left[number] = str(reason)
            continue
        place = places.setdefault((place.start, place.end, place.kind), place)
        replacement = mutant["replacement"].encode()
        if place.kind == "return":
            changed = replacement
        elif place.kind == "arm":
            changed = b""
        else:
            changed = source[place.start : start] + replacement + source[end : place.end]
        place.changed.append((number, changed.decode()))
    return Switched(rendered(source, 0, len(source), list(places.values())), left)


def byte_at(text: str, position: dict) -> int:
    """cargo-mutants counts lines and characters from one."""
    lines = text.splitlines(keepends=True)
    before = "".join(lines[: position["line"] - 1]) + lines[position["line"] - 1][: position["column"] - 1]
    return len(before.encode())


def place_of(root: Node, source: bytes, mutant: dict, start: int, end: int) -> Place:
    genre = mutant["genre"]
    node = root.descendant_for_byte_range(start, end)
    static = run_time(node)
    if genre == "FnValue":
        return returning(node, mutant, start)
    if genre == "MatchArm":
        return losing_its_turn(root, start)
    if genre == "MatchArmGuard":
        whole = node if (node.start_byte, node.end_byte) == (start, end) else None
        if whole is None or whole.type in ("let_condition", "let_chain"):
            raise Unswitchable("a guard with `let`")
    elif genre == "BinaryOperator":
        whole = chain_of(node)
    elif genre == "UnaryOperator":
        whole = climb(node, "unary_expression")
    elif genre == "StructField":
        whole = climb(node, "struct_expression")
    else:
        raise Unswitchable(f"a genre that has no switch: {genre}")
    if static is not None:
        value, kind = static.child_by_field_name("value"), static.child_by_field_name("type")
        return Place(value.start_byte, value.end_byte, "static", type_start=kind.start_byte, type_end=kind.end_byte)
    statement = whole.type == "compound_assignment_expr"
    return Place(whole.start_byte, whole.end_byte, "statement" if statement else "expression")


def run_time(node: Node) -> Node | None:
    """Whether the place is run, or the static of a reference that it is part of."""
    while node is not None:
        if node.type == "closure_expression":
            return None
        if node.type == "function_item":
            modifiers = next((child for child in node.children if child.type == "function_modifiers"), None)
            if modifiers is not None and b"const" in modifiers.text:
                raise Unswitchable("in a `const fn`")
            return None
        if node.type == "static_item" and node.child_by_field_name("type").type == "reference_type":
            return node
        if node.type in ("const_item", "static_item", "const_block", "array_type", "enum_variant", "const_parameter"):
            raise Unswitchable("in a constant")
        node = node.parent
    raise Unswitchable("outside of functions")


def returning(node: Node, mutant: dict, start: int) -> Place:
    if mutant["function"]["return_type"].startswith("-> impl"):
        raise Unswitchable("returns `impl Trait`")
    return Place(start, start, "return")


def losing_its_turn(root: Node, start: int) -> Place:
    arm = climb(root.descendant_for_byte_range(start, start + 1), "match_arm")
    pattern = arm.child_by_field_name("pattern")
    guard = pattern.child_by_field_name("condition")
    if guard is None:
        return Place(pattern.end_byte, pattern.end_byte, "arm")
    if guard.type in ("let_condition", "let_chain"):
        raise Unswitchable("an arm whose guard has `let`")
    return Place(guard.start_byte, guard.end_byte, "arm")


def chain_of(operator: Node) -> Node:
    """The longest chain of operators around one: another operator may bind its neighbours otherwise."""
    node = operator.parent
    if node.type == "let_chain":
        raise Unswitchable("a link of a let chain")
    if node.type == "compound_assignment_expr":
        return node
    if node.type != "binary_expression":
        raise Unswitchable(f"an operator in a {node.type}")
    while node.parent is not None and node.parent.type == "binary_expression":
        node = node.parent
    if node.parent is not None and node.parent.type == "let_chain" and operator.type == "&&":
        raise Unswitchable("a link of a let chain")
    return node


def climb(node: Node | None, wanted: str) -> Node:
    while node is not None and node.type != wanted:
        node = node.parent
    if node is None:
        raise Unswitchable(f"no {wanted} around it")
    return node


def rendered(source: bytes, start: int, end: int, places: list[Place]) -> str:
    """The bytes from start to end with every switch of the places in them."""
    text, at = "", start
    # A point before what begins at it, the outer one before those in it.
    ordered = sorted(places, key=lambda place: (place.type_start or place.start, place.end > place.start, -place.end))
    while ordered:
        outer, *others = ordered
        inner = [place for place in others if place.start >= outer.start and place.end <= outer.end and outer.end > outer.start]
        ordered = [place for place in others if not any(place is other for other in inner)]
        begin = outer.type_start or outer.start
        text += source[at:begin].decode() + written(source, outer, inner)
        at = outer.end
    return text + source[at:end].decode()


def written(source: bytes, place: Place, inner: list[Place]) -> str:
    if place.kind == "return":
        return "".join(f"if {on(number)} {{ return {marked(number, changed)}; }} " for number, changed in place.changed)
    if place.kind == "arm" and place.start == place.end:
        return " if " + " && ".join(f"!{on(number)}" for number, _ in place.changed) + " "
    plain = rendered(source, place.start, place.end, inner)
    if place.kind == "arm":
        text = "".join(f"!{on(number)} && " for number, _ in place.changed) + f"({plain})"
        return around(place, f"({text})")
    if place.kind == "static":
        kind = source[place.type_start : place.type_end].decode()
        item = "static CHANGED: " + kind + " = "
        branches = "".join(f"if {on(number)} {{ {item}{marked(number, changed)}; return CHANGED; }} " for number, changed in place.changed)
        between = source[place.type_end : place.start].decode()
        lazy = "std::sync::LazyLock"
        return around(place, f"{lazy}<{kind}>{between}{lazy}::new(|| {{ {branches}static WRITTEN: {kind} = {plain}; WRITTEN }})")
    branches = "".join(f"if {on(number)} {{ {marked(number, changed)} }} else " for number, changed in place.changed)
    opened, closed = "{}" if place.kind == "statement" else "()"
    return around(place, f"{opened}{branches}{{ {plain} }}{closed}")


def on(number: int) -> str:
    return f"crate::mutant_switch::on({number})"


def marked(number: int, text: str) -> str:
    return f"/*{number}[*/{text}/*]{number}*/"


def around(place: Place, text: str) -> str:
    """The whole of a place is marked with all of its mutants, a change only with its own."""
    for number, _ in place.changed:
        text = f"/*{number}(*/{text}/*){number}*/"
    return text


def blamed(text: str, start: int, end: int) -> set[int]:
    """The mutants whose texts an error's bytes of the rewritten file lie in; else those around, else those within."""
    source = text.encode()
    stretches = {"[]": [], "()": []}
    for number, opening in re.findall(rb"/\*(\d+)([\[(])\*/", source):
        opening = opening.decode()
        pair = "[]" if opening == "[" else "()"
        for found in re.finditer(rb"/\*%b%b\*/" % (number, re.escape(pair[0].encode())), source):
            closing = source.find(b"/*%b%b*/" % (pair[1].encode(), number), found.end())
            stretches[pair].append((found.start(), closing, int(number)))
    for pair in ("[]", "()"):
        own = {number for opened, closed, number in stretches[pair] if opened <= start and end <= closed}
        if own:
            return own
    return {number for pair in stretches.values() for opened, closed, number in pair if start <= opened and closed <= end}


def test() -> None:
    """Each row: what is written, the genre, the changed stretch, its replacement, what is in the result (nothing: no switch)."""
    o = on(1)
    rows = [
        ("fn f() { a || b && c; }", "BinaryOperator", "||", "&&", f"(if {o} {{ a && b && c }} else {{ a || b && c }});"),
        ("fn f() { g(a + b * c as u8); }", "BinaryOperator", "+", "-", f"(if {o} {{ a - b * c as u8 }} else {{ a + b * c as u8 }})"),
        ("fn f() { a += 1; }", "BinaryOperator", "+=", "*=", f"{{if {o} {{ a *= 1 }} else {{ a += 1 }}}};"),
        ("fn f() { if a && let Some(b) = c && d == 1 {} }", "BinaryOperator", "==", "!=", f"(if {o} {{ d != 1 }} else {{ d == 1 }})"),
        ("fn f() { if a && b && let Some(b) = c {} }", "BinaryOperator", "&&", "||", ""),
        ("fn f() { if !a.b() && c {} }", "UnaryOperator", "!", "", f"(if {o} {{ a.b() }} else {{ !a.b() }}) && c"),
        ("fn f() { match a { B if c => 1, _ => 2 } }", "MatchArmGuard", "c", "false", f"B if (if {o} {{ false }} else {{ c }}) =>"),
        ("fn f() { match a { B if c => 1, _ => 2 } }", "MatchArm", "B if c => 1,", "", f"B if (!{o} && (c)) => 1"),
        ("fn f() { match a { B | C => 1, _ => 2 } }", "MatchArm", "B | C => 1,", "", f"B | C if !{o}  => 1"),
        ("fn f() -> u8 { 1 + 1 }", "FnValue", "1 + 1", "0", f"{{ if {o} {{ return 0; }} 1 + 1 }}"),
        ("const fn f() -> u8 { 1 + 1 }", "BinaryOperator", "+", "-", ""),
        ("const A: u8 = 1 << 3;", "BinaryOperator", "<<", ">>", ""),
        ("fn f() { S { a: 1, ..t } }", "StructField", "a: 1,", "", f"(if {o} {{ S {{  ..t }} }} else {{ S {{ a: 1, ..t }} }})"),
        ("static A: &[S] = &[S { a: 1, ..T }];", "StructField", "a: 1,", "", f"if {o} {{ static CHANGED: &[S] = &[S {{  ..T }}]; return CHANGED; }}"),
        ("static A: &[F] = &[|b| b && c];", "BinaryOperator", "&&", "||", f"&[|b| (if {o} {{ b || c }} else {{ b && c }})]"),
        ("fn f() { é == b; }", "BinaryOperator", "==", "!=", f"(if {o} {{ é != b }} else {{ é == b }});"),
    ]
    for text, genre, stretch, replacement, wanted in rows:
        at = text.rindex(stretch) if genre == "MatchArmGuard" else text.index(stretch)
        found = switched(text, {1: described(genre, at, at + len(stretch), replacement)})
        plain = unmarked(found.text)
        assert bool(found.left) == (not wanted), (text, found)
        assert wanted in plain, f"{text}\n  {plain}\n  {wanted}"
        assert not PARSER.parse(plain.encode()).root_node.has_error, plain
        if "/*1[*/" in found.text:
            inside = len(found.text.split("/*1[*/")[0].encode()) + len("/*1[*/")
            assert blamed(found.text, inside, inside) == {1}, found.text
    # Mutants within a mutant: the one that is off holds the others.
    mutants = {
        1: described("FnValue", 17, 29, "true"),
        2: described("BinaryOperator", 19, 21, "!="),
        3: described("BinaryOperator", 24, 26, "||"),
        4: described("UnaryOperator", 27, 28, ""),
    }
    plain = unmarked(switched("fn f() -> bool { a == b && !c }", mutants).text)
    wanted = f"fn f() -> bool {{ if {on(1)} {{ return true; }} "
    wanted += f"(if {on(2)} {{ a != b && !c }} else if {on(3)} {{ a == b || !c }} else {{ a == b && (if {on(4)} {{ c }} else {{ !c }}) }}) }}"
    assert plain == wanted, f"{plain}\n{wanted}"
    print(f"{len(rows) + 1} rewritings are as they should be")


def described(genre: str, start: int, end: int, replacement: str) -> dict:
    """What cargo-mutants says of a mutant in the first line."""
    span = {"start": {"line": 1, "column": start + 1}, "end": {"line": 1, "column": end + 1}}
    return {"genre": genre, "span": span, "replacement": replacement, "function": {"return_type": ""}}


def unmarked(text: str) -> str:
    return re.sub(r"/\*.*?\*/", "", text)


if __name__ == "__main__":
    test()
