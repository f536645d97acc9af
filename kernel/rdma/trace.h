/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints umem_rdma:read_post and umem_rdma:read_done. The pfn is that of
 * the page whose address the NIC was given: compare it with what the program
 * maps to see that nothing is copied.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM umem_rdma

#if !defined(UMEM_RDMA_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define UMEM_RDMA_TRACE_H

#include <linux/tracepoint.h>
#include <rdma/ib_verbs.h>

TRACE_EVENT(read_post,
	    TP_PROTO(u64 offset, unsigned long pfn),
	    TP_ARGS(offset, pfn),
	    TP_STRUCT__entry(__field(u64, offset)
			     __field(unsigned long, pfn)
	    ),
	    TP_fast_assign(__entry->offset = offset;
			   __entry->pfn = pfn;
	    ),
	    TP_printk("offset=0x%llx pfn=0x%lx", __entry->offset, __entry->pfn)
);

TRACE_EVENT(read_done,
	    TP_PROTO(u64 offset, unsigned long pfn, u64 latency_ns, int status),
	    TP_ARGS(offset, pfn, latency_ns, status),
	    TP_STRUCT__entry(__field(u64, offset)
			     __field(unsigned long, pfn)
			     __field(u64, latency_ns)
			     __field(int, status)
	    ),
	    TP_fast_assign(__entry->offset = offset;
			   __entry->pfn = pfn;
			   __entry->latency_ns = latency_ns;
			   __entry->status = status;
	    ),
	    TP_printk("offset=0x%llx pfn=0x%lx latency_ns=%llu status=%d",
		      __entry->offset, __entry->pfn, __entry->latency_ns,
		      __entry->status)
);

#endif /* UMEM_RDMA_TRACE_H */

/* Found through the include path of kernel/. */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH rdma
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
