"""Imported by the fork server before it forks a worker: makes the reader, so that all share one."""

import contextlib
import gc
import os
import pickle

from maild.edge import readers

if readers.PRELOAD in os.environ:
    # What is wrong with the rules is said by the first worker, which tries again.
    with contextlib.suppress(Exception):
        readers.make_reader(pickle.loads(bytes.fromhex(os.environ[readers.PRELOAD])))
    gc.collect()
    gc.freeze()
