/** OTLP's messages by the library's own reflection: an encoder that shares nothing with the decoder under test. */
import protobuf from 'protobufjs';

const { root } = protobuf.parse(`
  syntax = "proto3";
  message Request { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; string schema_url = 3; }
  message Resource { repeated KeyValue attributes = 1; uint32 dropped_attributes_count = 2; }
  message ScopeSpans { Scope scope = 1; repeated Span spans = 2; string schema_url = 3; }
  message Scope { string name = 1; string version = 2; }
  message Span {
    bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5;
    int32 kind = 6; fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
    repeated KeyValue attributes = 9; Status status = 15; fixed32 flags = 16;
  }
  message Status { string message = 2; int32 code = 3; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue { oneof value {
    string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
    ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7;
  } }
  message ArrayValue { repeated AnyValue values = 1; }
  message KeyValueList { repeated KeyValue values = 1; }
  message Response { PartialSuccess partial_success = 1; }
  message PartialSuccess { int64 rejected_spans = 1; string error_message = 2; }
  message RpcStatus { int32 code = 1; string message = 2; }
`);

/** A request in OTLP's JSON as protobuf; `bare`: its only group without the request around it. */
export function protoOf(request: object, { bare = false } = {}): Uint8Array {
  const plain = withBytes(request) as { resourceSpans: object[] };
  const type = root.lookupType(bare ? 'ResourceSpans' : 'Request');
  return Uint8Array.from(type.encode(type.fromObject(bare ? plain.resourceSpans[0] : plain)).finish());
}

export function responseOf(bytes: Uint8Array): Record<string, unknown> {
  const type = root.lookupType('Response');
  return type.toObject(type.decode(bytes), { longs: Number });
}

export function statusOf(bytes: Uint8Array): Record<string, unknown> {
  const type = root.lookupType('RpcStatus');
  return type.toObject(type.decode(bytes));
}

/** Ids are hex in JSON and bytes here. */
function withBytes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withBytes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      /^(trace|span|parentSpan)Id$/.test(name) ? Buffer.from(String(member), 'hex') : withBytes(member),
    ]),
  );
}
