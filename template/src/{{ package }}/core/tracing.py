# Owned by the template.
"""OpenTelemetry's trace: in the lines of logs, and from a request to its job.

FastAPI imports this much of it anyhow. Where tracing is not switched on there is no trace, and each of these does nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import context, trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

__all__ = ["continued", "trace_headers", "trace_ids"]

# The trace alone: the baggage that clients may send besides is nothing to keep in a broker.
_w3c = TraceContextTextMapPropagator()


def trace_ids() -> dict[str, str]:
    """What finds the current span in the tracing system: its `trace_id` and `span_id`; empty where there is none."""
    span = trace.get_current_span().get_span_context()
    if not span.is_valid:
        return {}
    return {"trace_id": trace.format_trace_id(span.trace_id), "span_id": trace.format_span_id(span.span_id)}


def trace_headers() -> dict[str, str]:
    """What tells another process of the current span, `traceparent`; empty where there is none."""
    headers: dict[str, str] = {}
    _w3c.inject(headers)
    return headers


@contextmanager
def continued(headers: Mapping[str, str]) -> Iterator[None]:
    """Work in the trace that these headers tell of, if they tell of one."""
    token = context.attach(_w3c.extract(headers))
    try:
        yield
    finally:
        context.detach(token)
