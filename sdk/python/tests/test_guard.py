"""Against the running service: whether a call may be made, and what happens when nobody can say."""

from __future__ import annotations

import unittest
from decimal import Decimal
from typing import Any, List

from finops_sdk import Finops, FinopsError

from .support import Proxy, Server, client, required, session, stored


class Guard(unittest.TestCase):
    def setUp(self) -> None:
        self.errors: List[FinopsError] = []

    def client(self, **options: Any) -> Finops:
        finops = client(on_error=self.errors.append, **options)
        self.addCleanup(finops.close)
        return finops

    def behind(self, *faults: Any, **options: Any) -> Finops:
        proxy = Proxy(*faults)
        self.addCleanup(proxy.close)
        return self.client(base_url=proxy.url, **options)

    def test_what_remains_is_told_and_what_does_not_fit_is_refused(self):
        finops = self.client()
        # The project has a hard budget of 1,000,000 dollars a year.
        decision = finops.check(service="tutor", estimated_cost=Decimal("0.01"))
        self.assertEqual((decision["allowed"], decision["reason"]), (True, None))
        [budget] = decision["answer"]["budgets"]
        self.assertEqual((budget["amount"], budget["enforcement"]), ("1000000.000000", "hard"))
        decision = finops.check({"estimatedCost": "1000000.01", "learnerId": "ann"})
        self.assertEqual((decision["allowed"], decision["reason"]), (False, "budget_exceeded"))
        self.assertEqual(decision["budget"]["id"], budget["id"])
        self.assertGreater(decision["retryAfter"], 0)

    def test_what_is_reserved_is_settled_after_the_call_was_reported(self):
        finops = self.client(flush_interval=60)
        held = finops.check(estimated_cost="990000", reserve=True)["reservationId"]
        self.assertEqual(finops.check(estimated_cost="20000", reserve=True)["reason"], "budget_exceeded")
        self.assertTrue(finops.release(held))
        held = finops.check(estimated_cost="990000", reserve=True, reserve_minutes=1)["reservationId"]
        conversation = session()
        finops.track(model="gpt-4o", prompt_tokens=1000, session_id=conversation)
        self.assertTrue(finops.settle(held, Decimal("0.0025")))
        self.assertEqual(len(stored(conversation)), 1)
        self.assertFalse(finops.release(held))
        self.assertEqual([error.code for error in self.errors], ["not_found"])

    def test_when_nobody_can_say_the_caller_did(self):
        for fault in (("reset", {}), ("503", {"Retry_After": "7"}), ("429", {})):
            closed = self.behind(fault).check()
            opened = self.behind(fault).check(on_unavailable="open")
            self.assertEqual((closed["allowed"], opened["allowed"]), (False, True))
            self.assertEqual(closed["reason"], "network" if fault[0] == "reset" else "unavailable")
        self.assertEqual(self.behind(("503", {"Retry_After": "7"})).check()["retryAfter"], 7)
        silent = Server(lambda request: None)
        self.addCleanup(silent.close)
        self.assertTrue(self.client(base_url=silent.url).check(on_unavailable="open", timeout=0.1)["allowed"])
        nobody = self.client(base_url="http://127.0.0.1:9")
        self.assertEqual((nobody.settle("id"), nobody.release("id")), (False, False))

    def test_what_is_wrong_with_the_question_is_told(self):
        for fields, code in (({"project_id": "proj_nothing"}, "not_found"), ({"estimated_cost": -1}, "validation_failed")):
            with self.assertRaises(FinopsError) as raised:
                self.client().check(fields, on_unavailable="open")
            self.assertEqual(raised.exception.code, code)
        with self.assertRaises(FinopsError) as raised:
            self.client(api_key="fin_wrong").check()
        self.assertEqual(raised.exception.code, "api_key_invalid")
        self.assertTrue(required("FINOPS_PROJECT_ID"))
