/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints umem:*, described in docs/tracing.md. A region is named by the
 * inode number of its fd.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM umem

#if !defined(UMEM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define UMEM_TRACE_H

#include <linux/tracepoint.h>
#include <linux/umem.h>

#include "region.h"

#ifndef UMEM_TRACE_ENUMS
#define UMEM_TRACE_ENUMS
/**
 * enum umem_fault_end - how a fault on a missing granule ended
 * @UMEM_FAULT_PROVIDED: provided before the lock of the mm was let go.
 * @UMEM_FAULT_SLEPT: slept without the lock, and is retried.
 * @UMEM_FAULT_NOWAIT: may not sleep; is retried by somebody who may.
 * @UMEM_FAULT_FAILED: SIGBUS.
 * @UMEM_FAULT_NOMEM: no memory for the page.
 */
enum umem_fault_end {
	UMEM_FAULT_PROVIDED,
	UMEM_FAULT_SLEPT,
	UMEM_FAULT_NOWAIT,
	UMEM_FAULT_FAILED,
	UMEM_FAULT_NOMEM,
};
#endif

#define show_fault_end(how)						\
	__print_symbolic(how,						\
			 { UMEM_FAULT_PROVIDED, "provided" },		\
			 { UMEM_FAULT_SLEPT, "slept" },			\
			 { UMEM_FAULT_NOWAIT, "nowait" },		\
			 { UMEM_FAULT_FAILED, "failed" },		\
			 { UMEM_FAULT_NOMEM, "nomem" })

#define show_request_state(state)					\
	__print_symbolic(state,						\
			 { UMEM_REQUEST_FREE, "free" },			\
			 { UMEM_REQUEST_QUEUED, "queued" },		\
			 { UMEM_REQUEST_ISSUED, "issued" },		\
			 { UMEM_REQUEST_DONE, "done" },			\
			 { UMEM_REQUEST_FAILED, "failed" })

#define show_provider_kind(kind)					\
	__print_symbolic(kind,						\
			 { UMEM_PROVIDER_NONE, "none" },		\
			 { UMEM_PROVIDER_USER, "user" },		\
			 { UMEM_PROVIDER_KERNEL, "kernel" },		\
			 { UMEM_PROVIDER_ATTACHING, "attaching" })

TRACE_EVENT(fault_begin,
	    TP_PROTO(unsigned long region, u64 offset, unsigned int flags),
	    TP_ARGS(region, offset, flags),
	    TP_STRUCT__entry(__field(unsigned long, region)
			     __field(u64, offset)
			     __field(unsigned int, flags)
	    ),
	    TP_fast_assign(__entry->region = region;
			   __entry->offset = offset;
			   __entry->flags = flags;
	    ),
	    TP_printk("region=%lu offset=0x%llx flags=0x%x", __entry->region,
		      __entry->offset, __entry->flags)
);

TRACE_EVENT(fault_end,
	    TP_PROTO(unsigned long region, u64 offset, u64 latency_ns,
		     enum umem_fault_end how),
	    TP_ARGS(region, offset, latency_ns, how),
	    TP_STRUCT__entry(__field(unsigned long, region)
			     __field(u64, offset)
			     __field(u64, latency_ns)
			     __field(int, how)
	    ),
	    TP_fast_assign(__entry->region = region;
			   __entry->offset = offset;
			   __entry->latency_ns = latency_ns;
			   __entry->how = how;
	    ),
	    TP_printk("region=%lu offset=0x%llx latency_ns=%llu how=%s",
		      __entry->region, __entry->offset, __entry->latency_ns,
		      show_fault_end(__entry->how))
);

TRACE_EVENT(request_state,
	    TP_PROTO(const struct umem_request *req,
		     enum umem_request_state to),
	    TP_ARGS(req, to),
	    TP_STRUCT__entry(__field(unsigned long, region)
			     __field(u64, offset)
			     __field(unsigned int, tag)
			     __field(int, from)
			     __field(int, to)
			     __field(bool, prefetch)
	    ),
	    TP_fast_assign(__entry->region = req->region->ino;
			   __entry->offset = req->data.offset;
			   __entry->tag = req->data.tag;
			   __entry->from = req->state;
			   __entry->to = to;
			   __entry->prefetch = req->prefetch;
	    ),
	    TP_printk("region=%lu offset=0x%llx tag=%u %s -> %s%s",
		      __entry->region, __entry->offset, __entry->tag,
		      show_request_state(__entry->from),
		      show_request_state(__entry->to),
		      __entry->prefetch ? " prefetch" : "")
);

TRACE_EVENT(provider_state,
	    TP_PROTO(unsigned long region, u32 kind),
	    TP_ARGS(region, kind),
	    TP_STRUCT__entry(__field(unsigned long, region)
			     __field(u32, kind)
	    ),
	    TP_fast_assign(__entry->region = region;
			   __entry->kind = kind;
	    ),
	    TP_printk("region=%lu provider=%s", __entry->region,
		      show_provider_kind(__entry->kind))
);

#endif /* UMEM_TRACE_H */

/* Found through the include path of kernel/. */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
