"""Who hears whom: a graph of sinks and their sources, declared, never edited by hand.

A call says what it wants (`{sink: sources}`), the bus makes it so by difference: what stays is not touched, so nobody's
sound is cut when a third party joins. Bridge, hold, music, whisper, conference and recording are all just other graphs.

    one source        a wire: the source writes straight into the sink, in one call stack
    two or more       a mixer is put in between, for as long as it is needed
    none              the sink is left in silence

Several calls may name the same sink (a supervisor who listens to two): it hears all of them. `str(bus)` prints the
chains.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from media.leg import Sink, Source

Graph = Mapping[str, tuple[str, ...]]


class Mixing(Protocol):
    """Many sources into one sink (`legs.conference.Mixer`)."""

    def input(self, source: str) -> Sink:
        """The sink to connect this source to; the same one each time."""
        ...

    def drop(self, source: str) -> None: ...

    def close(self) -> None: ...


@dataclass(slots=True)
class _Feed:
    """What one sink hears at present."""

    sink: Sink
    sources: dict[str, Source] = field(default_factory=dict)
    mixer: Mixing | None = None

    def inlet(self, source: str) -> Sink:
        return self.mixer.input(source) if self.mixer else self.sink


class Bus:
    """Connects sources and sinks that it finds by name."""

    def __init__(
        self,
        sink: Callable[[str], Sink],
        source: Callable[[str], Source],
        mixer: Callable[[str, Sink], Mixing],
    ) -> None:
        """`sink` and `source` find a party by name, or raise; `mixer(name, sink)` makes a mixer."""
        self._find_sink = sink
        self._find_source = source
        self._make_mixer = mixer
        self._groups: dict[str, dict[str, tuple[str, ...]]] = {}
        self._feeds: dict[str, _Feed] = {}

    def wire(self, group: str, graph: Graph) -> None:
        """Make `graph` what this group hears; {} unplugs it. What `sink` or `source` raise changes nothing."""
        for sink, sources in graph.items():
            self._find_sink(sink)
            for source in sources:
                self._find_source(source)
        before = self._groups.pop(group, {})
        wanted = {sink: sources for sink, sources in graph.items() if sources}
        if wanted:
            self._groups[group] = wanted
        self._settle(dict.fromkeys((*before, *wanted)))

    def forget(self, name: str) -> None:
        """A party is gone: unplug it everywhere, as sink (`name` and `name/...`) and as source."""
        touched: dict[str, None] = {}
        for group in list(self._groups):
            graph = self._groups.pop(group)
            kept = {}
            for sink, sources in graph.items():
                left = tuple(s for s in sources if s != name)
                mine = sink == name or sink.startswith(name + "/")
                if mine or left != sources:
                    touched[sink] = None
                if left and not mine:
                    kept[sink] = left
            if kept:
                self._groups[group] = kept
        self._settle(touched)

    def refresh(self, name: str) -> None:
        """This sink's rate or codec has changed: its sources look again at what it wants."""
        feed = self._feeds.get(name)
        if feed:
            for key, source in feed.sources.items():
                source.connect(feed.inlet(key))

    def __len__(self) -> int:
        return len(self._feeds)

    def __str__(self) -> str:
        return "\n".join(
            f"{' + '.join(feed.sources)} {'=> mixer ' if feed.mixer else ''}-> {name}"
            for name, feed in sorted(self._feeds.items())
        )

    def _wanted(self, sink: str) -> tuple[str, ...]:
        """All sources of a sink, of all groups, each once."""
        return tuple(dict.fromkeys(s for graph in self._groups.values() for s in graph.get(sink, ())))

    def _settle(self, sinks: Mapping[str, None]) -> None:
        """Unplug everywhere first, so that nobody hears two sources for an instant; then plug."""
        wanted = {sink: self._wanted(sink) for sink in sinks}
        for sink, sources in wanted.items():
            self._unplug(sink, sources)
        for sink, sources in wanted.items():
            if sources:
                self._plug(sink, sources)

    def _unplug(self, name: str, wanted: tuple[str, ...]) -> None:
        feed = self._feeds.get(name)
        if feed is None:
            return
        keep_mixer = len(wanted) > 1
        for key in [key for key in feed.sources if key not in wanted or keep_mixer != (feed.mixer is not None)]:
            feed.sources.pop(key).disconnect(feed.inlet(key))
            if feed.mixer:
                feed.mixer.drop(key)
        if feed.mixer and not keep_mixer:
            feed.mixer.close()
            feed.mixer = None
        if not wanted:
            del self._feeds[name]

    def _plug(self, name: str, wanted: tuple[str, ...]) -> None:
        feed = self._feeds.get(name)
        if feed is None:
            feed = self._feeds[name] = _Feed(self._find_sink(name))
        if len(wanted) > 1 and feed.mixer is None:
            feed.mixer = self._make_mixer(name, feed.sink)
        for key in wanted:
            if key not in feed.sources:
                source = feed.sources[key] = self._find_source(key)
                source.connect(feed.inlet(key))
