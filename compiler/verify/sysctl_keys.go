package verify

import (
	"fmt"
	"strconv"
	"strings"
)

// keyScope says what a value in a host's sysctl.d reaches.
type keyScope int

const (
	hostKey    keyScope = iota // one value for the whole kernel
	netnsKey                   // each network namespace has its own; the host's own traffic needs it
	copiedKey                  // each network namespace has its own and starts with the host's
	podKey                     // each network namespace has its own; of use only where proxies live, so not in a host file
	removedKey                 // no kernel in support has it
)

// A sysctlKey is what is known of a kernel setting.
type sysctlKey struct {
	name   string
	scope  keyScope
	module string // that creates the key; empty when it is always there
	value  sysctlValue
	note   string // for removed keys
}

// sysctlValue is the type of a value.
type sysctlValue interface {
	check(value string) string // what is wrong, or ""
}

// sysctlKeys are the settings that meshgen knows. Sources: Documentation/admin-guide/sysctl and
// Documentation/networking/{ip-sysctl,nf_conntrack-sysctl,ipvs-sysctl}.rst of Linux 6.1 for types and ranges; the scope
// was measured by creating a network namespace after setting the key (6.1 and 6.18).
var sysctlKeys = []sysctlKey{
	{"fs.file-max", hostKey, "", wholeNumber{8192, 1 << 62}, ""},
	{"fs.inotify.max_queued_events", hostKey, "", wholeNumber{1024, 1 << 30}, ""},
	{"fs.inotify.max_user_instances", hostKey, "", wholeNumber{128, 1 << 20}, ""},
	{"fs.inotify.max_user_watches", hostKey, "", wholeNumber{8192, 1 << 30}, ""},
	{"fs.nr_open", hostKey, "", wholeNumber{1024, 2147483584}, ""}, // sysctl_nr_open_max
	{"kernel.keys.root_maxbytes", hostKey, "", wholeNumber{20000, 1<<31 - 1}, ""},
	{"kernel.keys.root_maxkeys", hostKey, "", wholeNumber{200, 1<<31 - 1}, ""},
	{"kernel.panic", hostKey, "", wholeNumber{-1, 3600}, ""},
	{"kernel.panic_on_oops", hostKey, "", wholeNumber{0, 1}, ""},
	{"kernel.pid_max", hostKey, "", wholeNumber{301, 4194304}, ""},
	{"net.bridge.bridge-nf-call-arptables", netnsKey, "br_netfilter", wholeNumber{0, 1}, ""},
	{"net.bridge.bridge-nf-call-ip6tables", netnsKey, "br_netfilter", wholeNumber{0, 1}, ""},
	{"net.bridge.bridge-nf-call-iptables", netnsKey, "br_netfilter", wholeNumber{0, 1}, ""},
	{"net.core.bpf_jit_limit", hostKey, "", wholeNumber{1 << 20, 1 << 40}, ""},
	{"net.core.default_qdisc", hostKey, "", choice{"fq", "fq_codel", "pfifo_fast", "cake", "sfq"}, ""},
	{"net.core.netdev_budget", hostKey, "", wholeNumber{64, 65536}, ""},
	{"net.core.netdev_budget_usecs", hostKey, "", wholeNumber{2000, 100000}, ""},
	{"net.core.netdev_max_backlog", hostKey, "", wholeNumber{1000, 1 << 20}, ""},
	{"net.core.optmem_max", netnsKey, "", wholeNumber{20480, 1 << 30}, ""},
	{"net.core.rps_sock_flow_entries", hostKey, "", wholeNumber{0, 1 << 29}, ""}, // net/core/sysctl_net_core.c, rps_sock_flow_sysctl
	{"net.core.rmem_max", hostKey, "", wholeNumber{212992, 1<<31 - 1}, ""},
	{"net.core.wmem_max", hostKey, "", wholeNumber{212992, 1<<31 - 1}, ""},
	{"net.core.somaxconn", podKey, "", nil, ""},
	{"net.ipv4.conf.all.arp_announce", copiedKey, "", wholeNumber{0, 2}, ""},
	{"net.ipv4.conf.all.arp_ignore", copiedKey, "", wholeNumber{0, 8}, ""},
	{"net.ipv4.conf.all.rp_filter", copiedKey, "", wholeNumber{0, 2}, ""},
	{"net.ipv4.conf.default.rp_filter", copiedKey, "", wholeNumber{0, 2}, ""},
	{"net.ipv4.conf.all.src_valid_mark", copiedKey, "", wholeNumber{0, 1}, ""},
	{"net.ipv4.fib_multipath_hash_policy", netnsKey, "", wholeNumber{0, 3}, ""},
	{"net.ipv4.ip_forward", netnsKey, "", wholeNumber{0, 1}, ""},
	{"net.ipv4.ip_local_port_range", netnsKey, "", portRange{}, ""},
	{"net.ipv4.ip_local_reserved_ports", netnsKey, "", portList{}, ""},
	{"net.ipv4.ip_nonlocal_bind", netnsKey, "", wholeNumber{0, 1}, ""},
	{"net.ipv4.neigh.default.gc_thresh1", hostKey, "", wholeNumber{128, 1 << 20}, ""},
	{"net.ipv4.neigh.default.gc_thresh2", hostKey, "", wholeNumber{512, 1 << 20}, ""},
	{"net.ipv4.neigh.default.gc_thresh3", hostKey, "", wholeNumber{1024, 1 << 20}, ""},
	{"net.ipv4.tcp_congestion_control", copiedKey, "", choice{"cubic", "reno", "dctcp"}, ""},
	{"net.ipv4.tcp_fin_timeout", podKey, "", nil, ""},
	{"net.ipv4.tcp_keepalive_intvl", podKey, "", nil, ""},
	{"net.ipv4.tcp_keepalive_probes", podKey, "", nil, ""},
	{"net.ipv4.tcp_keepalive_time", podKey, "", nil, ""},
	{"net.ipv4.tcp_max_syn_backlog", podKey, "", nil, ""},
	{"net.ipv4.tcp_max_tw_buckets", podKey, "", nil, ""},
	{"net.ipv4.tcp_rmem", copiedKey, "", triple{4096, 1<<31 - 1}, ""},
	{"net.ipv4.tcp_slow_start_after_idle", podKey, "", nil, ""},
	{"net.ipv4.tcp_tw_recycle", removedKey, "", nil, "removed in Linux 4.12"},
	{"net.ipv4.tcp_tw_reuse", podKey, "", nil, ""},
	{"net.ipv4.tcp_wmem", copiedKey, "", triple{4096, 1<<31 - 1}, ""},
	{"net.ipv4.vs.conn_reuse_mode", netnsKey, "ip_vs", wholeNumber{0, 1}, ""},
	{"net.ipv4.vs.conntrack", netnsKey, "ip_vs", wholeNumber{0, 1}, ""},
	{"net.ipv6.ip_nonlocal_bind", netnsKey, "", wholeNumber{0, 1}, ""},
	{"net.ipv6.conf.all.forwarding", netnsKey, "", wholeNumber{0, 1}, ""},
	{"net.ipv6.conf.default.forwarding", netnsKey, "", wholeNumber{0, 1}, ""},
	{"net.ipv6.conf.all.accept_ra", netnsKey, "", wholeNumber{0, 2}, ""},
	{"net.ipv6.neigh.default.gc_thresh1", hostKey, "", wholeNumber{128, 1 << 20}, ""},
	{"net.ipv6.neigh.default.gc_thresh2", hostKey, "", wholeNumber{512, 1 << 20}, ""},
	{"net.ipv6.neigh.default.gc_thresh3", hostKey, "", wholeNumber{1024, 1 << 20}, ""},
	// One number for the kernel, compared with the count of each namespace.
	{"net.netfilter.nf_conntrack_max", hostKey, "nf_conntrack", wholeNumber{65536, 1 << 28}, ""},
	// Set by the module's hashsize; written later it would leave nf_conntrack_max behind.
	{"net.netfilter.nf_conntrack_buckets", removedKey, "", nil, "as a host setting: the module option hashsize decides"},
	{"net.netfilter.nf_conntrack_acct", netnsKey, "nf_conntrack", wholeNumber{0, 1}, ""},
	{"net.netfilter.nf_conntrack_tcp_be_liberal", netnsKey, "nf_conntrack", wholeNumber{0, 1}, ""},
	{"net.netfilter.nf_conntrack_tcp_loose", netnsKey, "nf_conntrack", wholeNumber{0, 1}, ""},
	{"net.netfilter.nf_conntrack_tcp_timeout_close_wait", netnsKey, "nf_conntrack", wholeNumber{60, 86400}, ""},
	{"net.netfilter.nf_conntrack_tcp_timeout_established", netnsKey, "nf_conntrack", wholeNumber{3600, 432000}, ""},
	// Shorter than a peer's 60 s of TIME_WAIT, late segments become INVALID and are dropped; 30 s is the least in use.
	{"net.netfilter.nf_conntrack_tcp_timeout_time_wait", netnsKey, "nf_conntrack", wholeNumber{30, 120}, ""},
	{"net.netfilter.nf_conntrack_udp_timeout", netnsKey, "nf_conntrack", wholeNumber{10, 600}, ""},
	{"net.netfilter.nf_conntrack_udp_timeout_stream", netnsKey, "nf_conntrack", wholeNumber{30, 600}, ""},
	{"vm.max_map_count", hostKey, "", wholeNumber{65530, 1<<31 - 1}, ""},
	{"vm.nr_hugepages", hostKey, "", wholeNumber{1, 1 << 30}, ""},
	{"vm.overcommit_memory", hostKey, "", wholeNumber{0, 2}, ""},
	{"vm.panic_on_oom", hostKey, "", wholeNumber{0, 2}, ""},
	{"vm.swappiness", hostKey, "", wholeNumber{0, 200}, ""},
}

// sysctlKeyOf returns the entry of a key, or nil.
func sysctlKeyOf(name string) *sysctlKey {
	for i := range sysctlKeys {
		if sysctlKeys[i].name == name {
			return &sysctlKeys[i]
		}
	}
	return nil
}

// wholeNumber is a decimal number within its two bounds. The kernel also reads octal and hexadecimal; we write neither.
type wholeNumber [2]int64

func (r wholeNumber) check(value string) string {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != value {
		return "not a whole number"
	}
	if n < r[0] || n > r[1] {
		return fmt.Sprintf("not within %d to %d", r[0], r[1])
	}
	return ""
}

// choice is a set of words.
type choice []string

func (o choice) check(value string) string {
	for _, w := range o {
		if w == value {
			return ""
		}
	}
	return "not one of " + strings.Join(o, ", ")
}

// triple is three rising whole numbers within the bounds: least, default, most.
type triple [2]int64

func (t triple) check(value string) string {
	words := strings.Fields(value)
	if len(words) != 3 {
		return "not three numbers"
	}
	last := int64(0)
	for _, w := range words {
		if err := wholeNumber(t).check(w); err != "" {
			return err
		}
		n, _ := strconv.ParseInt(w, 10, 64) // checked in the line above
		if n < last {
			return "the three numbers do not rise"
		}
		last = n
	}
	return ""
}

// portRange is "low high". The kernel refuses low above high; a low end under 1024 needs the unprivileged start lowered.
type portRange struct{}

func (portRange) check(value string) string {
	words := strings.Fields(value)
	if len(words) != 2 {
		return "not two port numbers"
	}
	var p [2]int
	for i, w := range words {
		n, ok := portNumber(w)
		if !ok {
			return w + " is not a port number"
		}
		p[i] = n
	}
	if p[0] < 1024 || p[0] >= p[1] {
		return "the low end must be at least 1024 and below the high end"
	}
	return ""
}

// portList is "80,1000-2000", rising and without overlap, as the kernel prints it back.
type portList struct{}

func (portList) check(value string) string {
	last := 0
	for part := range strings.SplitSeq(value, ",") {
		from, to, isRange := strings.Cut(part, "-")
		lo, ok := portNumber(from)
		hi, ok2 := lo, true
		if isRange {
			hi, ok2 = portNumber(to)
		}
		switch {
		case !ok || !ok2:
			return strconv.Quote(part) + " is neither a port nor a range of ports"
		case hi < lo || isRange && hi == lo:
			return part + " is not a range"
		case lo <= last:
			return part + " does not come after port " + strconv.Itoa(last)
		}
		last = hi
	}
	return ""
}

// portNumber reads a decimal port, 1 to 65535.
func portNumber(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 1 && n <= 65535 && strconv.Itoa(n) == s
}
