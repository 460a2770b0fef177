"""Prefix tree: branches of tokens, the readers of each, and its sequence in the KV cache."""

from collections.abc import Iterator

from tui.conversation.trace import common_prefix
from tui.engine.backend import Backend
from tui.engine.decode.branch import Branch, LogitsReader
from tui.engine.decode.cache import Cache


class PrefixTree:
    """Prefix tree of the KV cache: every branch that has a reader."""

    def __init__(self, backend: Backend, stride: int | None = None) -> None:
        """Build an empty tree. With a `stride` one branch at a time is in the cache: see `Cache`."""
        self._backend, self._alone = backend, stride is not None
        self.cache = Cache(backend, stride)
        self.branches: list[Branch] = []

    @property
    def readers(self) -> list[LogitsReader]:
        """Every reader, once."""
        return list({id(reader): reader for branch in self.branches for reader in branch.readers}.values())

    @property
    def ready(self) -> list[Branch]:
        """Branches whose logits are there."""
        return [branch for branch in self.branches if branch.logits is not None]

    @property
    def cached(self) -> list[Branch]:
        """Branches that have a sequence in the cache."""
        return [branch for branch in self.branches if branch.cached]

    def add(self, prompt: list[int], *readers: LogitsReader) -> Branch:
        """Add a branch; it gets a sequence once the prefix that it can share is evaluated."""
        self.branches.append(Branch(prompt, list(readers)))
        return self.branches[-1]

    def find_prefixes(self) -> None:
        """Acquire a sequence, with the longest cached prefix, for every branch that waits for no other."""
        for branch in self.branches:
            if branch.cached is None and not self._awaits(branch):
                branch.cached = self.cache.acquire(branch.tokens, hidden=branch.hidden)
                for reader in branch.readers:
                    reader.on_prefix(len(branch.cached.tokens))

    def extend(self, branch: Branch, wanted: dict[int, list[LogitsReader]]) -> None:
        """Extend a branch with the tokens that readers want; a further branch is forked for each further token."""
        cached, stem = branch.cached, list(branch.tokens)
        for index, (token, readers) in enumerate(wanted.items()):
            if index and cached:
                branch = Branch(list(stem), [], self.cache.fork(cached))
                self.branches.append(branch)
            branch.readers = readers
            branch.tokens.append(token)

    def leave(self, reader: LogitsReader) -> None:
        """Remove a reader from its branches; branches without readers are released."""
        for branch in list(self._of(reader)):
            branch.readers.remove(reader)
            if not branch.readers:
                self.release(branch)

    def release(self, branch: Branch) -> None:
        """Remove a branch that has no readers; its sequence is kept for later prompts."""
        self.branches.remove(branch)
        if branch.cached:
            self.cache.release(branch.cached)

    def evict(self, branch: Branch) -> None:
        """Remove a branch whose sequence cannot be relied on; its readers leave their other branches too."""
        for reader in list(branch.readers):
            for other in [each for each in self._of(reader) if each is not branch]:
                other.readers.remove(reader)
                if not other.readers:
                    self.release(other)
        self.branches.remove(branch)
        if branch.cached:
            self.cache.drop(branch.cached)

    def _of(self, reader: LogitsReader) -> Iterator[Branch]:
        return (branch for branch in self.branches if reader in branch.readers)

    def _awaits(self, branch: Branch) -> bool:
        """Return True if another branch is about to evaluate more of its prefix than is cached, or has its turn."""
        if self._alone:
            return bool(self.cached)
        if not self._backend.cuttable:
            return False
        wanted = branch.tokens[:-1]
        sources = [other for other in self.cached if other.pending > 1 and (other.hidden or not branch.hidden)]
        shared = max((common_prefix(other.tokens, wanted) for other in sources), default=0)
        return shared > self.cache.longest(branch.tokens, hidden=branch.hidden)
