"""A bitmap font, five dots wide and seven high, for captions inside pictures."""

from __future__ import annotations

import numpy as np

from jaxenv.visualize.padding import pad

HEIGHT = 7
"""Dots from the top of a glyph to its foot."""
ADVANCE = 6
"""Dots from the left of one glyph to the left of the next: five and a gap."""

# Each glyph is five columns of seven dots, from left to right; the lowest bit of a column is its top dot.
_COLUMNS = {
    " ": "0000000000", "!": "00005f0000", "#": "147f147f14", "%": "2313086462", "'": "0005030000", "(": "001c224100",
    ")": "0041221c00", "*": "14083e0814", "+": "08083e0808", ",": "0050300000", "-": "0808080808", ".": "0060600000",
    "/": "2010080402", "0": "3e5149453e", "1": "00427f4000", "2": "4261514946", "3": "2141454b31", "4": "1814127f10",
    "5": "2745454539", "6": "3c4a494930", "7": "0171090503", "8": "3649494936", "9": "064949291e", ":": "0036360000",
    "<": "0814224100", "=": "1414141414", ">": "0041221408", "?": "0201510906", "A": "7e1111117e", "B": "7f49494936",
    "C": "3e41414122", "D": "7f4141221c", "E": "7f49494941", "F": "7f09090901", "G": "3e4149497a", "H": "7f0808087f",
    "I": "00417f4100", "J": "2040413f01", "K": "7f08142241", "L": "7f40404040", "M": "7f020c027f", "N": "7f0408107f",
    "O": "3e4141413e", "P": "7f09090906", "Q": "3e4151215e", "R": "7f09192946", "S": "4649494931", "T": "01017f0101",
    "U": "3f4040403f", "V": "1f2040201f", "W": "3f4038403f", "X": "6314081463", "Y": "0708700807", "Z": "6151494543",
    "[": "007f414100", "]": "0041417f00", "_": "4040404040", "a": "2054545478", "b": "7f48444438", "c": "3844444420",
    "d": "384444487f", "e": "3854545418", "f": "087e090102", "g": "0c5252523e", "h": "7f08040478", "i": "00447d4000",
    "j": "2040443d00", "k": "7f10284400", "l": "00417f4000", "m": "7c04180478", "n": "7c08040478", "o": "3844444438",
    "p": "7c14141408", "q": "081414187c", "r": "7c08040408", "s": "4854545420", "t": "043f444020", "u": "3c4040207c",
    "v": "1c2040201c", "w": "3c4030403c", "x": "4428102844", "y": "0c5050503c", "z": "4464544c44", "←": "081c2a0808",
    "→": "08082a1c08", "↑": "04027f0204", "↓": "10207f2010",
}  # fmt: skip
_INDEX = {character: i for i, character in enumerate(_COLUMNS)}

GLYPHS: np.ndarray = np.stack(
    [np.unpackbits(np.frombuffer(bytes.fromhex(c), np.uint8)[None], axis=0, bitorder="little")[:HEIGHT] for c in _COLUMNS.values()]
)
"""Every glyph as dots, uint8[glyphs, 7, 5]."""


def codes(text: str) -> np.ndarray:
    """Return the index into ``GLYPHS`` of each character; one that the font lacks becomes a question mark."""
    return np.array([_INDEX.get(character, _INDEX["?"]) for character in text], np.int32)


def bitmap(text: str) -> np.ndarray:
    """Return a line of text as dots, uint8[7, 6 * len(text)]."""
    cells = pad(GLYPHS[codes(text)], (0, 0), (0, 0), (0, ADVANCE - GLYPHS.shape[2]))
    return np.concatenate(list(cells), axis=1) if text else np.zeros((HEIGHT, 0), np.uint8)
