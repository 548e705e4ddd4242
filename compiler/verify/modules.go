package verify

import (
	"regexp"
	"strconv"
	"strings"
)

// kernelModules are the modules that a host of the mesh may have to load: what the sysctl catalogue, kube-proxy, the
// CNIs and the mesh's traffic redirection need. The kernel takes "-" for "_"; we write the name as the kernel lists it.
// Sources: lib/modules of Linux 6.1, istio.io "Platform requirements", docs.tigera.io and docs.cilium.io system
// requirements, pkg/proxy of Kubernetes 1.36.
var kernelModules = words(`
	br_netfilter geneve ip6_tables ip6t_REDIRECT ip6table_filter ip6table_mangle ip6table_nat ip6table_raw ip_set
	ip_set_hash_ip ip_set_hash_ipport ip_set_hash_net ip_tables ip_vs ip_vs_rr ip_vs_sh ip_vs_wrr ipip ipt_REDIRECT
	iptable_filter iptable_mangle iptable_nat iptable_raw nf_conntrack nf_conntrack_netlink nf_nat nf_tables nft_chain_nat
	nft_compat nft_ct nft_fib_inet nft_masq nft_nat nft_numgen nft_redir nft_reject_inet nft_tproxy overlay sch_fq tun vxlan
	wireguard xfrm_user xt_CT xt_MASQUERADE xt_REDIRECT xt_TPROXY xt_addrtype xt_comment xt_connmark xt_conntrack xt_mark
	xt_multiport xt_nat xt_owner xt_set xt_socket xt_statistic xt_tcpudp`)

// words makes a set of the words of text.
func words(text string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(text) {
		set[w] = true
	}
	return set
}

// parseModulesLoad reads a modules-load.d file: one module a line, comments on lines of their own.
func parseModulesLoad(data []byte) (map[string]bool, faults) {
	var fs faults
	modules := map[string]bool{}
	scanLines(data, &fs, func(n int, line string) {
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case strings.ContainsAny(line, " \t"):
			fs.add(n, "more than a module's name: %q", line)
		case !kernelModules[line]:
			fs.add(n, "%q is not a known kernel module", line)
		case modules[line]:
			fs.add(n, "module %s is listed twice", line)
		default:
			modules[line] = true
		}
	})
	if len(modules) == 0 && len(fs) == 0 {
		fs.add(0, "the file loads no module")
	}
	return modules, fs
}

// A moduleOption is one "options module key=value" of modprobe.d.
type moduleOption struct {
	module, key, value string
	line               int
}

var optionsLine = regexp.MustCompile(`^options ([a-z0-9_]+) ([a-z0-9_]+)=(\S+)$`)

// parseModprobe reads a modprobe.d file. Of modprobe.d(5) only "options" with one parameter is in use here.
func parseModprobe(data []byte) ([]moduleOption, faults) {
	var (
		fs   faults
		opts []moduleOption
	)
	scanLines(data, &fs, func(n int, line string) {
		if line == "" || line[0] == '#' {
			return
		}
		m := optionsLine.FindStringSubmatch(line)
		if m == nil {
			fs.add(n, "not of the form options module key=value: %q", line)
			return
		}
		o := moduleOption{m[1], m[2], m[3], n}
		for _, other := range opts {
			if other.module == o.module && other.key == o.key {
				fs.add(n, "%s of %s is set twice, first in line %d", o.key, o.module, other.line)
			}
		}
		opts = append(opts, o)
		if err := checkModuleOption(o); err != "" {
			fs.add(n, "%s", err)
		}
	})
	return opts, fs
}

// checkModuleOption says what is wrong with an option alone, or returns "". The kernel rounds any other number of buckets
// up to whole pages, and the number in the comment would be wrong.
func checkModuleOption(o moduleOption) string {
	if o.module != "nf_conntrack" || o.key != "hashsize" {
		return "unknown option " + o.key + " of module " + o.module
	}
	n, err := strconv.ParseUint(o.value, 10, 31)
	if err != nil || n < 1024 || n&(n-1) != 0 || strconv.FormatUint(n, 10) != o.value {
		return "hashsize=" + o.value + " is not a power of two from 1024"
	}
	return ""
}

// checkConntrack compares the size of the connection table with its hash table: above 8 entries a bucket look-ups crawl,
// and under a quarter of the entries kube-proxy resizes the table itself. max is net.netfilter.nf_conntrack_max.
//
// The faults' lines are those of max.
func checkConntrack(max *sysctlSetting, opts []moduleOption) faults {
	var fs faults
	if max == nil {
		return nil
	}
	entries, err := strconv.ParseInt(max.value, 10, 64)
	if err != nil {
		return nil // reported as a bad value
	}
	for _, o := range opts {
		if o.module != "nf_conntrack" || o.key != "hashsize" {
			continue
		}
		buckets, err := strconv.ParseInt(o.value, 10, 64)
		if err != nil {
			return nil // reported as a bad value
		}
		switch {
		case entries > 8*buckets:
			fs.add(max.line, "nf_conntrack_max %d is more than 8 x hashsize %d", entries, buckets)
		case buckets*4 < entries:
			fs.add(max.line, "hashsize %d is less than a quarter of nf_conntrack_max %d: kube-proxy would change it", buckets, entries)
		}
		return fs
	}
	fs.add(max.line, "nf_conntrack_max is set and no modprobe.d file sets hashsize: the buckets stay at the kernel's default")
	return fs
}
