"""Growing the case map, and proving with it: a trie of which only the touched part is in memory.

The map is stored in tiles of four levels, each under the path of its top in hexadecimal digits of the key: 16 places,
at which stands nothing, the leaf of the one case there, or the hash of a node whose tile has the longer path. A change
reads and writes the tiles above the changed cases, log16(n) each. Every tile is held against the root that one
believes, a checkpoint's, before anything of it is used: what was changed in the storage is never signed again.

    >>> from ledger_automation.tlog.case_map import Head
    >>> one, two = MapLeaf.of("one", Head(0, bytes(32))), MapLeaf.of("two", Head(4, bytes(32)))
    >>> trie = MapTrie()
    >>> trie.put(one)
    >>> trie.root_hash() == one.hash()
    True
    >>> trie.put(two)
    >>> trie.prove(one.key) == (one, [two.hash()])
    True

What this module does not do: store anything.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from ledger_automation.errors import ProofError
from ledger_automation.tlog.case_map import EMPTY_MAP_ROOT, KEY_BYTES, MapLeaf, bit, inner_hash

Tiles = Callable[[Sequence[str]], Mapping[str, bytes]]
"""``tiles(paths)``: the stored tiles of these paths; one that is missing is left out."""

_HEIGHT: Final = 4
_WIDTH: Final = 1 << _HEIGHT
_LEAF: Final = 0x10
_DIGITS: Final = "0123456789abcdef"
_TAGS: Final = [bytes([number]) for number in range(2 * _WIDTH)]
_UNREAD: Final = "the tiles above a key are read before it is used"
_SIZES: Final = {0: KEY_BYTES, _LEAF: KEY_BYTES + 40}


class _Inner:
    """A node with two sides; ``hash`` is None until it is asked for."""

    __slots__ = ("hash", "left", "right")

    def __init__(self, left: "_Node", right: "_Node") -> None:
        self.left, self.right = left, right
        self.hash: bytes | None = None


class _Unread(NamedTuple):
    """A node of which only the hash is known; its tile was not read."""

    hash: bytes


class _Place(NamedTuple):
    """Where a node stands: below which other one, on which side (1: right), and how deep."""

    parent: _Inner | None
    side: int
    depth: int


_Node = _Inner | _Unread | MapLeaf | None


class MapTrie:
    """A map whose root is believed, and whose nodes are read from tiles as they are needed."""

    def __init__(self, root_hash: bytes = EMPTY_MAP_ROOT, tiles: Tiles = lambda _: {}) -> None:
        self._root: _Node = None if root_hash == EMPTY_MAP_ROOT else _Unread(root_hash)
        self._tiles = tiles

    def read(self, keys: Iterable[bytes]) -> None:
        """Read the tiles above keys, level by level; raises ProofError for one that is missing or was changed."""
        waiting = list(keys)
        while True:
            unread: dict[str, tuple[_Place, bytes]] = {}
            behind = []
            for key in waiting:
                place, node = self._descend(key)
                if isinstance(node, _Unread):
                    unread[key.hex()[: place.depth // _HEIGHT]] = (place, node.hash)
                    behind.append(key)
            if not unread:
                return
            found = self._tiles(list(unread))
            for path, (place, expected) in unread.items():
                self._hang(place, _opened(path, found.get(path), expected))
            waiting = behind

    def put(self, leaf: MapLeaf) -> None:
        """Set a case's leaf. Requires that its tiles were read."""
        place, node = self._descend(leaf, changing=True)
        self._hang(place, _joined(node, leaf, place.depth))

    def take(self, key: bytes) -> None:
        """Take a case out again, if it is there. Requires that its tiles were read."""
        above: list[tuple[_Inner, int]] = []
        node = self._root
        while isinstance(node, _Inner):
            node.hash = None
            above.append((node, bit(key, len(above))))
            node = node.right if above[-1][1] else node.left
        if not isinstance(node, MapLeaf) or node.key != key:
            return
        rest: _Node = None
        while above:
            parent, side = above.pop()
            below = _paired(parent.left, rest) if side else _paired(rest, parent.right)
            if isinstance(below, _Inner):
                parent.left, parent.right = below.left, below.right
                return
            rest = below
        self._root = rest

    def root_hash(self) -> bytes:
        """Return the root over what was put."""
        return _hash(self._root)

    def prove(self, key: bytes) -> tuple[MapLeaf | None, list[bytes]]:
        """Return what stands where a key belongs, and the siblings from there up. Requires that its tiles were read."""
        siblings: list[bytes] = []
        node = self._root
        while isinstance(node, _Inner):
            left, right = (node.left, node.right)
            node, sibling = (right, left) if bit(key, len(siblings)) else (left, right)
            siblings.append(_hash(sibling))
        if isinstance(node, _Unread):
            raise AssertionError(_UNREAD)  # noqa: TRY004  the caller's mistake, not a value's type
        return node, siblings[::-1]

    def tiles_above(self, keys: Iterable[bytes]) -> dict[str, bytes]:
        """Write the tiles above keys; the empty path is that of the root, and always there."""
        written: dict[str, bytes] = {}
        for key in keys:
            node, depth, digits = self._root, 0, key.hex()
            while isinstance(node, _Inner) or depth == 0:
                if depth % _HEIGHT == 0 and (path := digits[: depth // _HEIGHT]) not in written:
                    written[path] = _written(node, depth)
                if not isinstance(node, _Inner):
                    break
                node = node.right if bit(key, depth) else node.left
                depth += 1
        return written

    def tile(self, path: str) -> bytes | None:
        """Write one tile of a map that is in memory as a whole; None where there is none."""
        node, depth = self._root, 0
        for digit in path:
            place = _DIGITS.find(digit)
            for shift in range(_HEIGHT - 1, -1, -1):
                if place < 0 or not isinstance(node, _Inner):
                    return None
                node = node.right if place >> shift & 1 else node.left
            depth += _HEIGHT
        return _written(node, depth) if isinstance(node, _Inner) or not path else None

    def entry(self, digit: int) -> bytes:
        """Write what the root's tile says of the cases whose keys begin with a digit; nothing where there are none."""
        node: _Node = self._root
        for shift in range(_HEIGHT - 1, -1, -1):
            if not isinstance(node, _Inner):
                break
            node = node.right if digit >> shift & 1 else node.left
        if isinstance(node, MapLeaf):
            return _TAGS[digit | _LEAF] + node if node[0] >> _HEIGHT == digit else b""
        return b"" if node is None else _TAGS[digit] + _hash(node)

    def tiles(self) -> Iterator[tuple[str, bytes]]:
        """Write all tiles of a map that is in memory as a whole, in order of their paths."""
        waiting: list[tuple[str, _Node]] = [("", self._root)]
        while waiting:
            path, node = waiting.pop()
            yield path, _written(node, _HEIGHT * len(path))
            below = [(f"{path}{place:x}", each) for place, each in _places(node, _HEIGHT * len(path))]
            waiting += [each for each in reversed(below) if isinstance(each[1], _Inner)]

    def _descend(self, key: bytes, *, changing: bool = False) -> tuple[_Place, _Node]:
        """Go down as far as nodes are in memory; return where that ends, and what stands there."""
        parent, side, node, depth = None, 0, self._root, 0
        while type(node) is _Inner:
            if changing:
                node.hash = None
            side = key[depth >> 3] >> (7 - (depth & 7)) & 1  # `bit`, without its call: every change goes all the way
            parent, node = node, node.right if side else node.left
            depth += 1
        return _Place(parent, side, depth), node

    def _hang(self, place: _Place, node: _Node) -> None:
        if place.parent is None:
            self._root = node
        elif place.side:
            place.parent.right = node
        else:
            place.parent.left = node


def root_of(tile: bytes) -> bytes:
    """Return the root of the map whose root's tile this is."""
    return _hash(_folded(tile))


def _hash(node: _Node) -> bytes:
    if type(node) is _Inner:
        if node.hash is None:
            node.hash = inner_hash(_hash(node.left), _hash(node.right))
        return node.hash
    if node is None:
        return EMPTY_MAP_ROOT
    return node.hash() if type(node) is MapLeaf else node.hash  # type: ignore[return-value]


def _joined(there: _Node, leaf: MapLeaf, depth: int) -> _Node:
    """Put a leaf where nothing, or a leaf, stands; two cases go down together for as long as their keys agree."""
    if there is None or (isinstance(there, MapLeaf) and there.key == leaf.key):
        return leaf
    if not isinstance(there, MapLeaf):
        raise AssertionError(_UNREAD)  # noqa: TRY004  as above
    if bit(there, depth) != bit(leaf, depth):
        return _Inner(there, leaf) if bit(leaf, depth) else _Inner(leaf, there)
    below = _joined(there, leaf, depth + 1)
    return _Inner(None, below) if bit(leaf, depth) else _Inner(below, None)


def _places(node: _Node, depth: int) -> list[tuple[int, _Node]]:
    """Return what stands at the 16 places of a tile and is not nothing, in order; a lone leaf by its own key."""
    row: list[_Node] = [node]
    for _ in range(_HEIGHT):
        below: list[_Node] = []
        for each in row:
            below += (each.left, each.right) if type(each) is _Inner else (each, None)
        row = below
    shift = _HEIGHT if depth % 8 == 0 else 0
    return [
        (each[depth // 8] >> shift & (_WIDTH - 1) if type(each) is MapLeaf else place, each)
        for place, each in enumerate(row)
        if each is not None
    ]


def _written(node: _Node, depth: int) -> bytes:
    """Write a tile: for each place that is not empty a byte that says which and what, and the leaf or the hash."""
    parts: list[bytes] = []
    for place, each in _places(node, depth):
        parts += (_TAGS[place | _LEAF], each) if type(each) is MapLeaf else (_TAGS[place], _hash(each))
    return b"".join(parts)


def _opened(path: str, tile: bytes | None, expected: bytes) -> _Node:
    """Read a tile whose node is known by its hash."""
    if not isinstance(tile, bytes):
        raise ProofError("A tile of the case map is missing.", expected=expected.hex(), actual=None, path=path)
    node = _folded(tile)
    if _hash(node) != expected:
        sentence = "A tile of the case map is not the one that was signed."
        raise ProofError(sentence, expected=expected.hex(), actual=_hash(node).hex(), path=path)
    return node


def _folded(tile: bytes) -> _Node:
    """Put a tile's node together; what is no tile leads to nothing."""
    row: list[_Node] = [None] * _WIDTH
    at = 0
    while at < len(tile):
        place, kind = tile[at] % _WIDTH, tile[at] - tile[at] % _WIDTH
        end = at + 1 + _SIZES.get(kind, len(tile))
        if end > len(tile):
            return None
        row[place] = MapLeaf(tile[at + 1 : end]) if kind == _LEAF else _Unread(tile[at + 1 : end])
        at = end
    while len(row) > 1:
        row = [_paired(left, right) for left, right in zip(row[::2], row[1::2], strict=True)]
    return row[0]


def _paired(left: _Node, right: _Node) -> _Node:
    """Return the node over two; a leaf without a neighbour is the node itself."""
    if left is None and (right is None or isinstance(right, MapLeaf)):
        return right
    if right is None and isinstance(left, MapLeaf):
        return left
    return _Inner(left, right)
