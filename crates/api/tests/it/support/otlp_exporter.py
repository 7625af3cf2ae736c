"""Exports one agent span with a model call inside it, as a program that uses OpenTelemetry's SDK does."""

import sys

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, set_span_in_context

endpoint, key, compression, start = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
memory = InMemorySpanExporter()
provider = TracerProvider(resource=Resource.create({"service.name": "exporter-test"}))
provider.add_span_processor(SimpleSpanProcessor(memory))
tracer = provider.get_tracer("exporter-test")
usage = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.cache_read.input_tokens": 40, "gen_ai.usage.output_tokens": 25}
agent = tracer.start_span(
    "invoke_agent helper", start_time=start, attributes={"gen_ai.operation.name": "invoke_agent", **usage}
)
chat = tracer.start_span(
    "chat gpt-4o",
    context=set_span_in_context(agent),
    kind=SpanKind.CLIENT,
    start_time=start,
    attributes={
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        "gen_ai.response.id": f"chatcmpl-{compression}",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.request.temperature": 0.2,
        **usage,
    },
)
chat.end(end_time=start + 1_200_000_000)
agent.end(end_time=start + 1_300_000_000)
exporter = OTLPSpanExporter(
    endpoint=endpoint, headers={"x-api-key": key}, compression=Compression(compression), timeout=20
)
print(exporter.export(memory.get_finished_spans()).name)
exporter.shutdown()
