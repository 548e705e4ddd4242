package verify

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

// ruleFirewall is the rule of the packet filters of edge nodes and of their unit.
const ruleFirewall = "MG9262"

const firewallGlob = "hosts/*/*/etc/meshgen/firewall.nft"

// firewallHead is how a filter begins and firewallTail how it ends: one table of its own, replaced in one transaction;
// nothing that would break a machine is missing.
var (
	firewallHead = []string{
		"table inet meshgen", "delete table inet meshgen", "table inet meshgen {", "chain input {",
		"type filter hook input priority filter; policy drop;", "ct state established,related accept", "iif lo accept",
		"icmp type { destination-unreachable, echo-request, time-exceeded, parameter-problem } accept",
		"icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem, echo-request, mld-listener-query, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept",
		"tcp dport 22 accept",
	}
	firewallTail = []string{`include "/etc/meshgen/firewall.d/*.nft"`, `limit rate 5/second burst 20 packets log prefix "meshgen drop: " level info`, "}", "}"}
	firewallMark = regexp.MustCompile(`^meta mark & (0x[0-9a-f]{8} == 0x[0-9a-f]{8}) accept$`)
	firewallRule = regexp.MustCompile(`^ip(6?) saddr \{ ([0-9a-f.:/, ]+) \}( ip ttl 255| ip6 hoplimit 255)? (?:(tcp|udp) dport ([1-9][0-9]*)|meta l4proto (ipip|esp)) accept$`)
)

// ciliumMark is that of packets on the way to Cilium's proxy, under its mask (Cilium 1.20.2,
// pkg/datapath/linux/linux_defaults/mark.go MagicMarkIsToProxy and MagicMarkHostMask).
const ciliumMark = "0x00000f00 == 0x00000200"

// A firewallAccept is a rule of a filter.
type firewallAccept struct {
	mark     string // of packets for a proxy of the pod network; the rule has nothing else then
	sources  []netip.Prefix
	protocol string
	port     uint16
	oneHop   bool
	line     int
}

// parseFirewall reads a filter.
func parseFirewall(data []byte) ([]firewallAccept, faults) {
	var fs faults
	var text []string
	var at []int
	scanLines(data, &fs, func(n int, line string) {
		if s := strings.TrimSpace(line); s != "" && s[0] != '#' {
			text, at = append(text, s), append(at, n)
		}
	})
	head, tail := len(firewallHead), len(text)-len(firewallTail)
	if tail < head || !slices.Equal(text[:head], firewallHead) || !slices.Equal(text[tail:], firewallTail) {
		fs.add(0, "it does not replace one table of its own, or lacks what every machine needs")
		return nil, fs
	}
	var out []firewallAccept
	for i := head; i < tail; i++ {
		if m := firewallMark.FindStringSubmatch(text[i]); m != nil && i == head {
			out = append(out, firewallAccept{mark: m[1], line: at[i]})
			continue
		}
		m := firewallRule.FindStringSubmatch(text[i])
		if m == nil {
			fs.add(at[i], "no rule: %q", text[i])
			continue
		}
		r := firewallAccept{protocol: m[4] + m[6], oneHop: m[3] != "", line: at[i]}
		port, _ := strconv.ParseUint(m[5], 10, 16)
		r.port = uint16(port)
		for _, s := range strings.Split(m[2], ", ") {
			p, err := netip.ParsePrefix(s)
			if err != nil || p.Masked() != p || p.Addr().Is6() != (m[1] == "6") || p.Bits() == 0 {
				fs.add(at[i], "%q is no network of that family, or everybody", s)
			}
			r.sources = append(r.sources, p)
		}
		out = append(out, r)
	}
	return out, fs
}

func checkFirewallFile(f *artifact.File) faults {
	_, fs := parseFirewall(f.Bytes())
	return fs
}

var firewallUnit = tableUnit("firewall.nft", "meshgen", "kubelet")

func checkFirewallUnit(f *artifact.File) faults {
	return checkUnit(f, firewallUnit, "no unit that loads the filter, and takes nothing but it away")
}

// checkFirewalls compares each filter with the flows that lead to the machines of its group: each is let in, and nothing
// else is.
func checkFirewalls(p *pass) {
	flows := p.tree.Lookup("fabric/" + p.releases.Site + "/flows.csv")
	if flows == nil || p.tree.Lookup(inventoryPath(p.releases.Site)) == nil {
		return
	}
	rows, machines := p.flows(flows), p.inventory()
	checkTalosFirewalls(p, rows, machines)
	all := slices.Concat(p.tree.Files(), p.carried)
	for _, f := range all {
		if !match(firewallGlob, f.Path()) {
			continue
		}
		group := strings.Split(f.Path(), "/")[2]
		unit := "hosts/" + p.releases.Site + "/" + group + "/etc/systemd/system/meshgen-firewall.service"
		if !slices.ContainsFunc(all, func(f *artifact.File) bool { return f.Path() == unit }) {
			p.report(f, 0, ruleFirewall, "nothing loads it")
		}
		rules, _ := parseFirewall(f.Bytes())
		used := make([]bool, len(rules))
		proxied := slices.ContainsFunc(rows, func(r flowRow) bool { return strings.HasPrefix(r.why, "pod network cilium: ") })
		if marked := len(rules) > 0 && rules[0].mark == ciliumMark; marked {
			used[0] = proxied
		} else if proxied {
			p.report(f, 0, ruleFirewall, "it drops what is on the way to Cilium's proxy")
		}
		known := endsOf(rows, machines, group)
		for _, row := range rows {
			if leadsTo(row, known, machines, group) {
				p.admits(f, rules, used, row)
			}
		}
		for i, r := range rules {
			if !used[i] {
				p.report(f, r.line, ruleFirewall, "no flow leads here by %s port %d %s", r.protocol, r.port, r.mark)
			}
		}
	}
}

// endsOf are the names of destinations that machines of the group are among. The inventory has one address of each machine:
// those of the other family are known by their name alone.
func endsOf(rows []flowRow, inv *inventory, group string) map[string]bool {
	out := map[string]bool{}
	for _, h := range inv.hosts {
		a, err := netip.ParseAddr(h.address)
		if err != nil || !inv.in(h, group) {
			continue
		}
		for _, row := range rows {
			if slices.ContainsFunc(row.dest, func(p netip.Prefix) bool { return p.Contains(a) }) {
				out[row.to] = true
			}
		}
	}
	return out
}

// in reports whether a machine is of the group with a folder.
func (inv *inventory) in(h *inventoryHost, folder string) bool {
	return slices.ContainsFunc(h.groups, func(g string) bool { return inv.groups[g] != nil && inv.groups[g].folder == folder })
}

// leadsTo reports whether a flow has a machine of the group as its destination, and needs a rule there: every filter takes
// what is needed of ICMP, from everybody.
func leadsTo(row flowRow, known map[string]bool, inv *inventory, group string) bool {
	if row.protocol == "icmp" || row.protocol == "ipv6-icmp" {
		return false
	}
	for name, h := range inv.hosts {
		if !inv.in(h, group) {
			continue
		}
		if row.to == "routing of "+name {
			return true // at its link-local addresses
		}
		a, err := netip.ParseAddr(h.address)
		if err != nil {
			continue
		}
		if slices.ContainsFunc(row.dest, func(p netip.Prefix) bool { return p.Contains(a) }) {
			return true
		}
		mine := slices.ContainsFunc(row.dest, func(p netip.Prefix) bool { return p.Addr().Is6() == a.Is6() })
		if len(row.dest) > 0 && !mine && known[row.to] {
			return true
		}
	}
	return false
}

// admits reports sources of a flow that no rule lets in, and marks the rules that do.
func (p *pass) admits(f *artifact.File, rules []firewallAccept, used []bool, row flowRow) {
	for _, source := range row.source {
		found := false
		for i, r := range rules {
			if r.protocol != row.protocol || r.port != row.port || r.oneHop != (row.area == "fabric" && row.port == 3784) {
				continue
			}
			if slices.ContainsFunc(r.sources, func(q netip.Prefix) bool { return q.Bits() <= source.Bits() && q.Contains(source.Addr()) }) {
				found, used[i] = true, true
			}
		}
		sameFamily := slices.ContainsFunc(row.dest, func(q netip.Prefix) bool { return q.Addr().Is6() == source.Addr().Is6() })
		if !found && sameFamily {
			p.report(f, 0, ruleFirewall, "flow %q to %q by %s port %d has no rule for %s", row.from, row.to, row.protocol, row.port, source)
		}
	}
}
