"""What needs no service: batching with the time told, spelling, pauses."""

from __future__ import annotations

import json
import subprocess
import sys
import unittest
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

from finops_sdk import Finops, FinopsError, _events, _http
from finops_sdk._analytics import _after
from finops_sdk._events import Encoded, encode, join, split
from finops_sdk._queue import EventQueue


def event(number: int, size: int = 10) -> Encoded:
    return Encoded(str(number), b"x" * size)


def ids(events) -> list:
    return [event.id for event in events]


class Queue(unittest.TestCase):
    def queue(self, **limits) -> EventQueue:
        return EventQueue(**{"max_events": 100, "max_bytes": 10**9, "batch_events": 3, "interval": 1.0, **limits})

    def test_a_batch_is_due_when_it_is_full_or_old(self):
        queue = self.queue()
        self.assertIsNone(queue.due(0))
        queue.put(event(1), 10.0)
        queue.put(event(2), 10.9)
        self.assertAlmostEqual(queue.due(10.9), 0.1)
        self.assertEqual(queue.due(11.5), 0)
        queue.put(event(3), 10.95)
        self.assertEqual(queue.due(10.95), 0)
        self.assertEqual(ids(queue.take()), ["1", "2", "3"])
        self.assertIsNone(queue.due(20))

    def test_a_batch_is_due_when_its_bytes_fill_a_request(self):
        queue = self.queue(batch_events=1_000)
        queue.put(event(1, _events.ROOM // 2), 0)
        self.assertEqual(queue.due(0), 1.0)
        queue.put(event(2, _events.ROOM // 2), 0)
        self.assertEqual(queue.due(0), 0)
        self.assertEqual(ids(queue.take()), ["1"])
        self.assertEqual(ids(queue.take()), ["2"])

    def test_the_oldest_give_way(self):
        queue = self.queue(max_events=3)
        self.assertEqual([ids(queue.put(event(n), 0)) for n in range(5)], [[], [], [], ["0"], ["1"]])
        self.assertEqual(len(queue), 3)
        queue = self.queue(max_bytes=100)
        queue.put(event(1, 40), 0)
        queue.put(event(2, 40), 0)
        self.assertEqual(ids(queue.put(event(3, 80), 0)), ["1", "2"])
        self.assertEqual(ids(queue.take()), ["3"])


class Encoding(unittest.TestCase):
    def read(self, *args, **kwargs) -> dict:
        return json.loads(encode(*args, **kwargs).body)

    def test_what_is_missing_is_added_and_what_is_there_stays(self):
        told = self.read({"model": "m"}, project_id="p", at="2026-01-02T03:04:05Z")
        self.assertEqual((told["projectId"], told["eventId"]), ("p", encode(told).id))
        self.assertEqual(told["timestamp"], "2026-01-02T03:04:05Z")
        self.assertNotIn("timestamp", self.read({"model": "m"}))
        given = {"model": "m", "response_id": "r-1", "occurred_at": 1_700_000_000, "project_id": "mine"}
        self.assertEqual(self.read(given, project_id="p", at="2026-01-02T03:04:05Z"), given)
        self.assertEqual(encode(given).id, "r-1")

    def test_values_stay_exact(self):
        told = self.read(
            {"cost": Decimal("0.1000000000000000001"), "tags": {"a"}, "when": datetime(2026, 1, 2, tzinfo=timezone.utc)}
        )
        self.assertEqual(told["cost"], "0.1000000000000000001")
        self.assertEqual((told["tags"], told["when"]), (["a"], "2026-01-02T00:00:00+00:00"))

    def test_what_is_no_json_is_refused(self):
        looped: dict = {}
        looped["self"] = looped
        for wrong in (float("nan"), Decimal("Infinity"), object(), "\ud800", looped):
            with self.assertRaises(FinopsError) as caught:
                encode({"model": wrong})
            self.assertEqual(caught.exception.code, "not_encodable")
        with self.assertRaises(FinopsError) as caught:
            encode({"model": "m" * _events.MAX_BATCH_BYTES})
        self.assertEqual(caught.exception.code, "event_too_large")

    def test_requests_are_as_large_as_they_may_be_and_no_larger(self):
        many = [event(n) for n in range(2_001)]
        self.assertEqual([len(batch) for batch in split(many)], [1_000, 1_000, 1])
        exact = Encoded("a", b"x" * (_events.ROOM // 4 - 1))
        self.assertEqual([len(batch) for batch in split([exact] * 5)], [4, 1])
        self.assertLessEqual(len(join([exact] * 4)), _events.MAX_BATCH_BYTES)
        self.assertEqual(split([]), [])


class Pauses(unittest.TestCase):
    def test_pauses_double_up_to_a_bound(self):
        self.assertEqual([_http.delay(n, 0.5, None, 1.0) for n in range(4)], [0.5, 1.0, 2.0, 4.0])
        self.assertEqual(_http.delay(0, 0.5, None, 0.0), 0.25)
        self.assertEqual(_http.delay(1_000, 0.5, None, 1.0), _http.MAX_DELAY)

    def test_what_the_service_asks_for_is_kept_within_a_bound(self):
        for jitter in (0.0, 1.0):
            self.assertGreaterEqual(_http.delay(0, 0.5, 7.0, jitter), 7.0)
        self.assertLess(_http.delay(20, 0.5, 86_400.0, 1.0), _http.MAX_RETRY_AFTER + _http.MAX_DELAY)

    def test_retry_after_is_seconds_or_a_date(self):
        now = datetime(2026, 11, 1, tzinfo=timezone.utc).timestamp()
        self.assertEqual(_http.retry_after("3", now), 3.0)
        self.assertEqual(_http.retry_after("Sun, 01 Nov 2026 00:00:09 GMT", now), 9.0)
        self.assertEqual(_http.retry_after("Sat, 31 Oct 2026 00:00:00 GMT", now), 0.0)
        for nothing in (None, "", "soon"):
            self.assertIsNone(_http.retry_after(nothing, now))

    def test_only_what_may_succeed_later_is_tried_again(self):
        retryable = lambda status: FinopsError("c", "m", status=status).retryable  # noqa: E731
        self.assertEqual([status for status in range(200, 600) if retryable(status)], [408, 429, *range(500, 600)])


class Callers(unittest.TestCase):
    def test_nothing_is_raised_into_the_caller(self):
        def angry(_error):
            raise RuntimeError("not my day")

        finops = Finops(api_key="", base_url="http://[", on_error=angry, max_retries=0, flush_interval=0)
        self.addCleanup(finops.close, 0)
        with self.assertLogs("finops_sdk"):
            self.assertIsNone(finops.track({"model": float("nan")}))
            self.assertIsNone(finops.track(7))
            self.assertIsNotNone(finops.track(model="m"))
            self.assertTrue(finops.flush(5))
            not_a_client = object()
            self.assertIs(finops.meter(not_a_client), not_a_client)
        self.assertEqual(finops.stats()["dropped"], 3)

    def test_a_closed_client_says_so(self):
        errors = []
        finops = Finops(api_key="fin_x", on_error=errors.append)
        finops.close()
        finops.close()
        self.assertIsNone(finops.track(model="m"))
        self.assertEqual([error.code for error in errors], ["closed"])

    def test_the_last_day_is_part_of_the_period_and_a_time_is_not(self):
        self.assertEqual(_after("2024-01-31"), "2024-02-01")
        self.assertEqual(_after(datetime(2024, 1, 31).date()), "2024-02-01")
        self.assertEqual(_after("2024-01-31T00:00:00Z"), "2024-01-31T00:00:00Z")


class Types(unittest.TestCase):
    def test_types_are_those_of_the_api_description(self):
        script = Path(__file__).parents[1] / "scripts" / "generate.py"
        done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
