"""The bundled sounds: spoken keys and phrases, and a loop of music. Decoded once per rate, then shared by all calls.

`tools/make_assets.py` made them; `media/assets` holds them.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray

from media.errors import BadSource
from media.files import SoundFile

MUSIC = "music"
_KEYS = {"*": "star", "#": "pound"}
_SPOKEN = frozenset("0123456789abcd*#")


@cache
def phrases() -> dict[str, str]:
    """File name by what it is called."""
    return {file.name.rpartition(".")[0]: file.name for file in files("media").joinpath("assets").iterdir()}


@cache
def load(name: str, rate: int) -> NDArray[np.int16]:
    """int16[n], read-only; blocks for some milliseconds the first time. Raises BadSource for a name there is not."""
    if name not in phrases():
        raise BadSource(f"there is no bundled sound {name!r}: choose among {', '.join(sorted(phrases()))}")
    with as_file(files("media").joinpath("assets", phrases()[name])) as path:
        parts = [samples for _, samples in SoundFile(str(path)).pieces(lambda: rate)]
    sound = np.concatenate(parts)
    sound.setflags(write=False)
    return sound


def spell(text: str) -> tuple[str, ...]:
    """The sounds that say it: phrases by name, everything else key by key. "you-said 12#" -> you-said, 1, 2, pound.

    Raises BadSource for what cannot be said.
    """
    names: list[str] = []
    for word in text.replace(",", " ").split():
        if word != MUSIC and word in phrases():
            names.append(word)
        elif set(word.lower()) <= _SPOKEN:
            names += [_KEYS.get(key, key) for key in word.lower()]
        else:
            raise BadSource(f"{word!r} cannot be said: use keys (0-9 * # A-D) or {', '.join(_known())}")
    if not names:
        raise BadSource(f"nothing to say: use keys (0-9 * # A-D) or {', '.join(_known())}")
    return tuple(names)


def _known() -> list[str]:
    return sorted(name for name in phrases() if len(name) > 1 and name != MUSIC)
