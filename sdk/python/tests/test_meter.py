"""The vendors' own clients, metered, against a vendor that answers as documented and the running service."""

from __future__ import annotations

import asyncio
import unittest
from typing import Any, Dict, List

import anthropic
import openai

from finops_sdk import FinopsError

from .support import Vendor, client, session, stored

CHAT_USAGE = {
    "prompt_tokens": 1200,
    "completion_tokens": 300,
    "total_tokens": 1500,
    "prompt_tokens_details": {"cached_tokens": 1000, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 100},
}


def chat(event_id: str, **more: Any) -> Dict[str, Any]:
    message = {"role": "assistant", "content": "Hello"}
    return {
        "id": event_id,
        "object": "chat.completion",
        "created": 1_764_000_000,
        "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": CHAT_USAGE,
        "service_tier": "default",
        **more,
    }


def chunk(event_id: str, text: str = "", **more: Any) -> Dict[str, Any]:
    return {
        "id": event_id,
        "object": "chat.completion.chunk",
        "created": 1_764_000_000,
        "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}],
        "usage": None,
        **more,
    }


def last_chunk(event_id: str) -> Dict[str, Any]:
    return chunk(event_id, choices=[], usage=CHAT_USAGE)


ASK: Dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
CLAUDE: Dict[str, Any] = {"model": "claude-opus-4-6", "max_tokens": 10, "messages": ASK["messages"]}


class MeterTest(unittest.TestCase):
    def setUp(self) -> None:
        self.session = session()
        self.id = f"chatcmpl-{self.session}"
        self.errors: List[FinopsError] = []
        self.vendor = Vendor()
        self.addCleanup(self.vendor.close)
        self.finops = client(on_error=self.errors.append, flush_interval=60)
        self.addCleanup(self.finops.close)

    def metered(self, kind: Any, **options: Any) -> Any:
        """A vendor's client whose events are in this test's session."""
        path = "" if kind.__module__.startswith("anthropic") else "/v1"
        made = kind(api_key="sk-test", base_url=self.vendor.url + path, max_retries=0)
        return self.finops.meter(made, session_id=self.session, **options)

    def events(self) -> List[Dict[str, Any]]:
        self.assertTrue(self.finops.flush(10))
        self.assertEqual(self.errors, [])
        return stored(self.session)

    def event(self) -> Dict[str, Any]:
        [event] = self.events()
        return event

    def assert_chat(self, event: Dict[str, Any]) -> None:
        kinds = {kind: int(float(count)) for kind, count in event["units"].items()}
        self.assertEqual(kinds, {"input": 200, "cached_input": 1000, "output": 200, "reasoning": 100})
        self.assertEqual((event["eventId"], event["model"]), (self.id, "gpt-4o-2024-08-06"))
        self.assertEqual((event["status"], event["failed"], event["state"]), ("success", False, "estimated"))


class OpenAI(MeterTest):
    def test_a_chat_is_metered(self):
        self.vendor.json(chat(self.id))
        made = self.metered(openai.OpenAI, service="tutor", tags=["a"], metadata={"build": 7})
        answer = made.chat.completions.create(**ASK)
        self.assertEqual((answer.choices[0].message.content, answer.usage.prompt_tokens), ("Hello", 1200))
        event = self.event()
        self.assert_chat(event)
        # 200 × 2.50 + 1000 × 1.25 + 300 × 10.00 dollars a million.
        self.assertEqual(event["cost"], "0.004750")
        self.assertEqual((event["service"], event["tags"], event["serviceTier"]), ("tutor", ["a"], "default"))
        self.assertEqual(event["metadata"], {"operation": "chat.completions.create", "build": 7})
        self.assertIsNotNone(event["responseTime"])
        self.assertEqual(self.vendor.requests, [ASK])

    def test_metering_twice_counts_once_and_copies_are_metered(self):
        self.vendor.json(chat(self.id))
        made = self.finops.meter(self.metered(openai.OpenAI))
        made.with_options(timeout=5).chat.completions.create(**ASK)
        self.assert_chat(self.event())

    def test_fields_may_depend_on_the_call(self):
        self.vendor.json(chat(self.id))
        made = self.finops.meter(
            openai.OpenAI(api_key="sk-test", base_url=self.vendor.url, max_retries=0),
            lambda request: {"session_id": self.session, "user_id": request["user"], "event_id": f"{self.id}-mine"},
        )
        made.chat.completions.create(**ASK, user="u-1")
        event = self.event()
        self.assertEqual((event["userId"], event["eventId"]), ("u-1", f"{self.id}-mine"))

    def test_a_stream_is_metered_by_a_chunk_that_the_caller_does_not_see(self):
        self.vendor.stream(chunk(self.id, "Hel"), chunk(self.id, "lo"), last_chunk(self.id))
        stream = self.metered(openai.OpenAI).chat.completions.create(**ASK, stream=True)
        self.assertIsInstance(stream, openai.Stream)
        self.assertEqual([part.choices[0].delta.content for part in stream], ["Hel", "lo"])
        self.assert_chat(self.event())
        self.assertEqual(self.vendor.requests[0]["stream_options"], {"include_usage": True})

    def test_a_caller_who_asks_for_the_usage_gets_it(self):
        self.vendor.stream(chunk(self.id, "Hello"), last_chunk(self.id))
        options = {"include_usage": True}
        with self.metered(openai.OpenAI).chat.completions.create(**ASK, stream=True, stream_options=options) as stream:
            self.assertEqual([part.usage is None for part in stream], [True, False])
        self.assert_chat(self.event())

    def test_requests_can_be_left_as_they_are(self):
        self.vendor.stream(chunk(self.id, "Hello"))
        made = self.metered(openai.OpenAI, stream_usage=False)
        list(made.chat.completions.create(**ASK, stream=True))
        event = self.event()
        self.assertEqual((event["cost"], event["state"], event["resolution"]), (None, "unpriced", "nothing_measured"))
        self.assertEqual(self.vendor.requests, [{**ASK, "stream": True}])

    def test_a_stream_that_nobody_reads_to_its_end_is_unknown_and_not_free(self):
        self.vendor.stream(chunk(self.id, "Hel"), chunk(self.id, "lo"), last_chunk(self.id))
        with self.metered(openai.OpenAI).chat.completions.create(**ASK, stream=True) as stream:
            next(iter(stream))
        event = self.event()
        self.assertEqual((event["eventId"], event["status"], event["cost"]), (self.id, "cancelled", None))

    def test_what_the_vendor_raises_is_what_the_caller_sees(self):
        self.vendor.json({"error": {"message": "slow down, please", "code": "rate_limit_exceeded"}}, 429)
        with self.assertRaises(openai.RateLimitError) as caught:
            self.metered(openai.OpenAI).chat.completions.create(**ASK)
        self.assertEqual(caught.exception.body["message"], "slow down, please")
        event = self.event()
        self.assertEqual(
            (event["status"], event["failed"], event["cost"], event["model"]), ("error", True, None, "gpt-4o")
        )
        expected = {"operation": "chat.completions.create", "errorType": "RateLimitError", "httpStatus": 429}
        self.assertEqual(event["metadata"], expected)

    def test_a_stream_that_breaks_is_an_error(self):
        self.vendor.stream(chunk(self.id, "Hel"), {"error": {"message": "overloaded"}})
        stream = self.metered(openai.OpenAI).chat.completions.create(**ASK, stream=True)
        with self.assertRaises(openai.APIError):
            list(stream)
        event = self.event()
        self.assertEqual((event["eventId"], event["failed"], event["cost"]), (self.id, True, None))

    def test_raw_answers_are_metered_and_can_still_be_read(self):
        self.vendor.json(chat(self.id))
        raw = self.metered(openai.OpenAI).chat.completions.with_raw_response.create(**ASK)
        self.assertEqual(raw.parse().choices[0].message.content, "Hello")
        self.assert_chat(self.event())

    def test_responses_are_metered_whole_and_as_a_stream(self):
        usage = {
            "input_tokens": 75,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 1186,
            "output_tokens_details": {"reasoning_tokens": 1024},
            "total_tokens": 1261,
        }
        whole = {"id": f"resp-{self.session}", "object": "response", "created_at": 1, "model": "gpt-4o", "output": []}
        whole = {**whole, "status": "completed", "tools": [], "tool_choice": "auto", "parallel_tool_calls": True}
        self.vendor.json({**whole, "usage": usage})
        streamed = {**whole, "id": f"resp-{self.session}-s"}
        self.vendor.stream(
            {"type": "response.created", "sequence_number": 0, "response": {**streamed, "usage": None}},
            {"type": "response.completed", "sequence_number": 1, "response": {**streamed, "usage": usage}},
            end=None,
        )
        made = self.metered(openai.OpenAI)
        made.responses.create(model="gpt-4o", input="Hi")
        kinds = [part.type for part in made.responses.create(model="gpt-4o", input="Hi", stream=True)]
        self.assertEqual(kinds, ["response.created", "response.completed"])
        events = {event["eventId"]: event["units"] for event in self.events()}
        expected = {"input": "75.000000", "output": "162.000000", "reasoning": "1024.000000"}
        self.assertEqual(events, {whole["id"]: expected, streamed["id"]: expected})

    def test_embeddings_are_metered(self):
        data = [{"object": "embedding", "index": 0, "embedding": [0.5]}]
        usage = {"prompt_tokens": 8, "total_tokens": 8}
        self.vendor.json({"object": "list", "data": data, "model": "text-embedding-3-small", "usage": usage})
        self.metered(openai.OpenAI).embeddings.create(
            model="text-embedding-3-small", input="Hi", encoding_format="float"
        )
        event = self.event()
        self.assertEqual((event["units"], event["state"]), ({"input": "8.000000"}, "estimated"))

    def test_asynchronous_clients_are_metered(self):
        self.vendor.json(chat(self.id))
        self.vendor.stream(chunk(f"{self.id}-s", "Hello"), last_chunk(f"{self.id}-s"))
        self.vendor.json({"error": {"message": "no"}}, 400)

        async def use() -> None:
            async with self.metered(openai.AsyncOpenAI) as made:
                answer = await made.chat.completions.create(**ASK)
                self.assertEqual(answer.choices[0].message.content, "Hello")
                stream = await made.chat.completions.create(**ASK, stream=True)
                self.assertEqual([part.choices[0].delta.content async for part in stream], ["Hello"])
                with self.assertRaises(openai.BadRequestError):
                    await made.chat.completions.create(**ASK)

        asyncio.run(use())
        events = {event["eventId"]: event for event in self.events()}
        self.assertEqual(len(events), 3)
        self.assertEqual((events[self.id]["cost"], events[f"{self.id}-s"]["cost"]), ("0.004750", "0.004750"))


class Anthropic(MeterTest):
    usage = {
        "input_tokens": 2095,
        "cache_creation_input_tokens": 2051,
        "cache_read_input_tokens": 100,
        "cache_creation": {"ephemeral_5m_input_tokens": 51, "ephemeral_1h_input_tokens": 2000},
        "output_tokens": 503,
        "service_tier": "standard",
    }
    kinds = {
        "input": "2095.000000",
        "cached_input": "100.000000",
        "cache_write_5m": "51.000000",
        "cache_write_1h": "2000.000000",
        "output": "503.000000",
    }

    def message(self, **more: Any) -> Dict[str, Any]:
        self.id = f"msg-{self.session}"
        message = {"id": self.id, "type": "message", "role": "assistant", "model": "claude-opus-4-6"}
        return {**message, "content": [], "stop_reason": None, "stop_sequence": None, "usage": self.usage, **more}

    def test_a_message_is_metered(self):
        self.vendor.json(self.message(content=[{"type": "text", "text": "Hello"}]))
        answer = self.metered(anthropic.Anthropic).messages.create(**CLAUDE)
        self.assertEqual(answer.content[0].text, "Hello")
        event = self.event()
        self.assertEqual((event["eventId"], event["units"], event["provider"]), (self.id, self.kinds, "anthropic"))
        self.assertEqual((event["serviceTier"], event["state"]), ("standard", "estimated"))

    def chunks(self) -> List[Dict[str, Any]]:
        return [
            {"type": "message_start", "message": self.message(usage={**self.usage, "output_tokens": 1})},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 503}},
            {"type": "message_stop"},
        ]

    def test_a_stream_tells_its_input_first_and_its_output_last(self):
        self.vendor.stream(*self.chunks(), end=None)
        stream = self.metered(anthropic.Anthropic).messages.create(**CLAUDE, stream=True)
        self.assertEqual([part.type for part in stream], [part["type"] for part in self.chunks()])
        event = self.event()
        self.assertEqual((event["eventId"], event["units"], event["status"]), (self.id, self.kinds, "success"))

    def test_half_a_stream_is_no_usage(self):
        self.vendor.stream(*self.chunks(), end=None)
        stream = self.metered(anthropic.Anthropic).messages.create(**CLAUDE, stream=True)
        next(iter(stream))
        stream.close()
        event = self.event()
        self.assertEqual((event["eventId"], event["status"], event["cost"]), (self.id, "cancelled", None))
