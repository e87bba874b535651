"""Options of the tests under fire."""

import os
import random
import sys

import pytest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]

import fire  # noqa: E402


@pytest.fixture
def seed(request):
    return fire.seed_of(request.config)


@pytest.fixture
def rng(seed):
    return random.Random(seed)


@pytest.fixture(scope="session")
def need_fire():
    if not os.path.exists(os.path.join(fire.FIRE, "check-store")):
        pytest.fail("build it first: make fire-bins", pytrace=False)
