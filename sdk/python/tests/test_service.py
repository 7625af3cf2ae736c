"""Against the running service: what arrives, once, whatever happens on the way."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import time
import unittest
from decimal import Decimal
from pathlib import Path
from typing import Any, List

from finops_sdk import Finops, FinopsError

from .support import Proxy, client, required, session, stored


class ServiceTest(unittest.TestCase):
    def setUp(self) -> None:
        self.session = session()
        self.errors: List[FinopsError] = []

    def client(self, **options: Any) -> Finops:
        finops = client(on_error=self.errors.append, **options)
        self.addCleanup(finops.close)
        return finops

    def behind(self, *faults: Any, **options: Any) -> "tuple[Finops, Proxy]":
        proxy = Proxy(*faults)
        self.addCleanup(proxy.close)
        return self.client(base_url=proxy.url, **options), proxy

    def event(self, **fields: Any) -> "dict[str, Any]":
        return {"model": "gpt-4o", "promptTokens": 1000, "completionTokens": 500, "sessionId": self.session, **fields}


class Tracking(ServiceTest):
    def test_an_event_arrives_with_its_cost(self):
        finops = self.client()
        event_id = finops.track(self.event(cost=Decimal("0.0035"), costAllocation={"team": "content"}), tags=["a"])
        self.assertTrue(finops.flush(10))
        [event] = stored(self.session)
        self.assertEqual((event["eventId"], event["project"]["id"]), (event_id, required("FINOPS_PROJECT_ID")))
        self.assertEqual((event["cost"], event["reportedCost"], event["state"]), ("0.007500", "0.003500", "estimated"))
        self.assertEqual((event["tags"], event["costAllocation"]), (["a"], {"team": "content"}))
        self.assertEqual(self.errors, [])

    def test_both_spellings_are_the_same(self):
        finops = self.client()
        finops.track(model="gpt-4o", prompt_tokens=1000, completion_tokens=500, session_id=self.session, user_id="u")
        self.assertTrue(finops.flush(10))
        [event] = stored(self.session)
        self.assertEqual((event["cost"], event["userId"]), ("0.007500", "u"))

    def test_events_are_sent_without_being_asked(self):
        accepted = threading.Event()
        finops, proxy = self.behind(flush_interval=0.01)
        answer = proxy._ask
        proxy._ask = lambda request: (answer(request), accepted.set())[0]  # type: ignore[method-assign]
        finops.track(self.event())
        self.assertTrue(accepted.wait(10))
        self.assertEqual(len(stored(self.session)), 1)

    def test_many_threads_lose_nothing(self):
        finops, proxy = self.behind(batch_size=100)
        threads = [threading.Thread(target=lambda: [finops.track(self.event()) for _ in range(125)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertTrue(finops.flush(30))
        self.assertEqual(len({event["eventId"] for event in stored(self.session)}), 1_000)
        self.assertEqual(finops.stats()["accepted"], 1_000)
        self.assertLess(len(proxy.requests), 100)

    def test_what_is_refused_is_told_and_the_rest_is_stored(self):
        finops = self.client(flush_interval=60)
        finops.track(self.event(eventId=f"{self.session}-good"))
        finops.track(self.event(eventId=f"{self.session}-bad", promptTokens=-1))
        self.assertTrue(finops.flush(10))
        self.assertEqual([event["eventId"] for event in stored(self.session)], [f"{self.session}-good"])
        [error] = self.errors
        self.assertEqual((error.code, error.event_ids), ("quantity_invalid", (f"{self.session}-bad",)))

    def test_a_wrong_key_is_told_at_once(self):
        finops, proxy = self.behind(api_key="fin_wrong")
        finops.track(self.event())
        self.assertTrue(finops.flush(10))
        [error] = self.errors
        self.assertEqual((error.status, error.count, len(proxy.requests)), (401, 1, 1))


class Faults(ServiceTest):
    def once(self, finops: Finops) -> None:
        """Tracks one event, which is stored once."""
        event_id = finops.track(self.event())
        self.assertTrue(finops.flush(20))
        self.assertEqual([event["eventId"] for event in stored(self.session)], [event_id])
        self.assertEqual(self.errors, [])

    def test_a_reset_connection_is_tried_again(self):
        finops, proxy = self.behind(("reset", {}), ("reset", {}))
        self.once(finops)
        self.assertEqual(len(proxy.requests), 3)
        self.assertEqual(finops.stats()["accepted"], 1)

    def test_an_answer_that_is_lost_after_the_commit_stores_nothing_twice(self):
        finops, proxy = self.behind(("lost", {}))
        self.once(finops)
        self.assertEqual((finops.stats()["accepted"], finops.stats()["duplicates"]), (0, 1))
        (_, first), (_, second) = proxy.requests
        self.assertEqual(first, second)

    def test_the_service_says_when_to_come_back(self):
        finops, proxy = self.behind(("503", {"Retry_After": "1"}), ("429", {"Retry_After": "0"}))
        self.once(finops)
        (first, _), (second, _), (third, _) = proxy.requests
        self.assertGreaterEqual(second - first, 1.0)
        self.assertLess(third - second, 1.0)

    def test_what_cannot_be_sent_is_given_up_and_counted(self):
        finops, proxy = self.behind(*[("500", {})] * 3, max_retries=2)
        event_id = finops.track(self.event())
        self.assertTrue(finops.flush(20))
        [error] = self.errors
        self.assertEqual((error.status, error.event_ids, len(proxy.requests)), (500, (event_id,), 3))
        self.assertEqual(finops.stats()["dropped"], 1)
        # The next one is none the worse for it.
        finops.track(self.event())
        self.assertTrue(finops.flush(20))
        self.assertEqual(len(stored(self.session)), 1)

    def test_closing_ends_in_time_and_says_what_was_lost(self):
        finops, _ = self.behind(("503", {"Retry_After": "60"}), flush_interval=0)
        event_id = finops.track(self.event())
        start = time.monotonic()
        finops.close(0.2)
        self.assertLess(time.monotonic() - start, 5)
        self.assertEqual([(error.status, error.event_ids) for error in self.errors], [(503, (event_id,))])
        self.assertEqual((finops.stats()["queued"], finops.stats()["dropped"]), (0, 1))

    def test_a_smaller_limit_on_the_way_is_met_with_smaller_requests(self):
        finops, proxy = self.behind(("413", {}), flush_interval=60)
        for _ in range(4):
            finops.track(self.event())
        self.assertTrue(finops.flush(20))
        self.assertEqual(len(stored(self.session)), 4)
        self.assertEqual(len(proxy.requests), 3)

    def test_a_full_queue_drops_the_oldest(self):
        finops, _ = self.behind(max_queue=10, batch_size=1_000, flush_interval=60)
        for number in range(25):
            finops.track(self.event(eventId=f"{self.session}-{number}"))
        self.assertEqual(finops.stats()["queued"], 10)
        self.assertTrue(finops.flush(10))
        expected = {f"{self.session}-{number}" for number in range(15, 25)}
        self.assertEqual({event["eventId"] for event in stored(self.session)}, expected)
        [error] = self.errors
        self.assertEqual((error.code, error.count, finops.stats()["dropped"]), ("queue_full", 15, 15))


class Importing(ServiceTest):
    def test_an_import_says_what_became_of_each_event(self):
        events = [self.event(eventId=f"{self.session}-{number}") for number in range(1_200)]
        events[3] = self.event(model=None)
        events[1_100] = self.event(projectId="nobody's")
        events[1_101] = self.event(cost=float("nan"))
        finops, proxy = self.behind(("lost", {}), ("", {}), ("reset", {}))
        result = finops.bulk_import(events)
        self.assertEqual((result["accepted"], result["duplicates"], result["failed"]), (198, 999, []))
        self.assertEqual(len(proxy.requests), 4)
        wrong = [(item["index"], item["code"], item["pointer"]) for item in result["rejected"]]
        expected = [
            (3, "validation_failed", "/events/3/model"),
            (1_100, "project_unknown", "/events/1100/projectId"),
            (1_101, "not_encodable", "/events/1101"),
        ]
        self.assertEqual(wrong, expected)
        again = finops.bulk_import(events)
        self.assertEqual((again["accepted"], again["duplicates"]), (0, 1_197))

    def test_an_import_without_a_service_says_which_events_failed(self):
        finops, _ = self.behind(*[("reset", {})] * 2, max_retries=1)
        result = finops.bulk_import([self.event(eventId="a"), self.event(eventId="b")])
        failed = [(item["index"], item["eventId"], item["code"]) for item in result["failed"]]
        self.assertEqual(failed, [(0, "a", "network"), (1, "b", "network")])


class Analytics(ServiceTest):
    def test_costs_are_exact(self):
        analytics = self.client().get_project_analytics(start_date="2026-01-01", end_date="2026-01-31", group_by="day")
        summary = analytics["summary"]
        # What floating point makes 0.30000000000000004, or loses.
        self.assertEqual((summary["totalCost"], summary["currency"]), ("0.300000000001", "USD"))
        days = [(row["dimensions"]["day"], row["cost"]) for row in analytics["breakdown"]["rows"]]
        self.assertEqual(days, [("2026-01-01", "0.100000000001"), ("2026-01-31", "0.200000")])
        self.assertEqual([part["name"] for part in analytics["breakdown"]["services"]], ["openai"])
        models = {part["name"]: part["cost"] for part in analytics["breakdown"]["models"]}
        self.assertEqual(models, {"gpt-4o": "0.300000", "gpt-4o-mini": "0.000000000001"})

    def test_nothing_known_is_not_zero(self):
        options = {"startDate": "2025-03-01", "endDate": "2025-03-02", "groupBy": ["model", "day"]}
        summary = self.client().get_project_analytics(required("FINOPS_PROJECT_ID"), options)["summary"]
        self.assertEqual((summary["totalCost"], summary["currency"]), (None, None))

    def test_an_unknown_project_is_an_error(self):
        with self.assertRaises(FinopsError) as caught:
            self.client().get_project_analytics("01900000-0000-7000-8000-000000000000")
        self.assertEqual((caught.exception.code, caught.exception.status), ("not_found", 404))


class Exits(ServiceTest):
    def program(self, text: str) -> None:
        """Runs a program that tracks into this test's session."""
        head = """
            import os, sys
            from finops_sdk import Finops
            finops = Finops(flush_interval=60)
            def track(name):
                finops.track(model="gpt-4o", prompt_tokens=1, completion_tokens=1, session_id=SESSION, event_id=name)
        """.replace("SESSION", repr(self.session))
        done = subprocess.run(
            # Newer Pythons warn of any fork beside threads; that is what is tested here.
            [sys.executable, "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(head) + textwrap.dedent(text)],
            cwd=Path(__file__).parents[1],
            env=os.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def ids(self) -> "list[str]":
        return sorted(event["eventId"] for event in stored(self.session))

    def test_a_program_that_ends_sends_what_waits(self):
        self.program(f"track('{self.session}-last words')")
        self.assertEqual(self.ids(), [f"{self.session}-last words"])

    @unittest.skipUnless(hasattr(os, "fork"), "there are no forks here")
    def test_a_fork_sends_its_own_events_and_not_its_parents(self):
        self.program(f"""
            track("{self.session}-parent")
            child = os.fork()
            if child == 0:
                assert finops.stats()["queued"] == 0
                track("{self.session}-child")
                sys.exit()
            assert os.waitpid(child, 0)[1] == 0
            assert finops.flush(20)
            assert finops.stats()["accepted"] == 1, finops.stats()
        """)
        self.assertEqual(self.ids(), [f"{self.session}-child", f"{self.session}-parent"])

    @unittest.skipUnless(hasattr(os, "fork"), "there are no forks here")
    def test_children_of_multiprocessing_send_what_waits(self):
        self.program(f"""
            import multiprocessing
            context = multiprocessing.get_context("fork")
            workers = [context.Process(target=track, args=(f"{self.session}-{{n}}",)) for n in range(3)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
        """)
        self.assertEqual(self.ids(), [f"{self.session}-{number}" for number in range(3)])
