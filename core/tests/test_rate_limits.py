"""Token buckets."""

from __future__ import annotations

import pytest
from dash_messenger.errors import RateLimited
from dash_messenger.rate_limits import Buckets


def test_a_bucket_gives_its_burst_then_its_rate() -> None:
    now_s = 0.0
    buckets = Buckets(burst=3, per_s=2, clock_s=lambda: now_s)
    for _ in range(3):
        buckets.take("ann")
    with pytest.raises(RateLimited) as refused:
        buckets.take("ann")
    assert refused.value.params["retry_after_s"] == 1
    buckets.take("ben")
    now_s = 0.5
    buckets.take("ann")
    with pytest.raises(RateLimited):
        buckets.take("ann")


def test_full_buckets_are_forgotten() -> None:
    now_s = 0.0
    buckets = Buckets(burst=10, per_s=10, clock_s=lambda: now_s)
    for number in range(1_000):
        buckets.take(str(number))
    now_s = 5.0
    buckets.take("ann")
    buckets.take("ann")
    assert set(buckets._levels) <= {"ann"}


def test_off_means_no_limit() -> None:
    buckets = Buckets(burst=1, per_s=1, enabled=False)
    for _ in range(10):
        buckets.take("ann")
