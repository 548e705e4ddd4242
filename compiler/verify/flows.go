package verify

import (
	"bytes"
	"encoding/csv"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

// ruleFlows is the rule of fabric/<site>/flows.csv and flows.md.
const ruleFlows = "MG9261"

var (
	flowColumns   = []string{"area", "source", "source_addresses", "destination", "destination_addresses", "protocol", "port", "by_way_of", "why", "note", "origin"}
	flowAreas     = []string{"edge", "fabric", "nodes", "pods", "outside"}
	flowProtocols = []string{"tcp", "udp", "icmp", "ipv6-icmp", "vrrp", "ipip", "esp", "any"}
)

// A flowRow is a record of flows.csv.
type flowRow struct {
	area, from, to string
	source, dest   []netip.Prefix
	protocol       string
	port           uint16
	via            []string
	why            string
	line           int
}

// parseFlows reads flows.csv.
func parseFlows(data []byte) ([]flowRow, faults) {
	var fs faults
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord = len(flowColumns)
	head, err := r.Read()
	if err != nil || !slices.Equal(head, flowColumns) {
		fs.add(1, "the first record does not name the columns %v", flowColumns)
		return nil, fs
	}
	var rows []flowRow
	seen, area := map[string]bool{}, 0
	for n := 2; ; n++ {
		rec, err := r.Read()
		if err != nil {
			if rec != nil || err.Error() != "EOF" {
				fs.add(n, "no record: %v", err)
			}
			return rows, fs
		}
		key := strings.Join(rec[:8], "\x00") + rec[8]
		if seen[key] {
			fs.add(n, "the flow stands twice")
		}
		seen[key] = true
		row := flowRow{area: rec[0], from: rec[1], to: rec[3], protocol: rec[5], via: strings.Fields(rec[7]), why: rec[8], line: n}
		at := slices.Index(flowAreas, row.area)
		if at < area {
			fs.add(n, "area %q is none, or not in its order", row.area)
		}
		area = max(area, at)
		row.source = flowAddresses(rec[2], n, &fs)
		row.dest = flowAddresses(rec[4], n, &fs)
		port, err := strconv.ParseUint(rec[6], 10, 16)
		row.port = uint16(port)
		if ported := row.protocol == "tcp" || row.protocol == "udp"; ported != (err == nil && port > 0) || !ported && rec[6] != "" {
			fs.add(n, "port %q of protocol %s", rec[6], row.protocol)
		}
		if !slices.Contains(flowProtocols, row.protocol) {
			fs.add(n, "%q is no protocol", row.protocol)
		}
		if rec[1] == "" || rec[3] == "" || rec[8] == "" || rec[10] == "" {
			fs.add(n, "it lacks a source, a destination, a reason or an origin")
		}
		if row.area == "edge" && (len(row.dest) == 0 || slices.ContainsFunc(row.dest, func(p netip.Prefix) bool { return !p.IsSingleIP() })) {
			fs.add(n, "it opens more than single addresses to clients: %q", rec[4])
		}
		rows = append(rows, row)
	}
}

// flowAddresses reads a list of addresses and prefixes; "any" is both families whole. Names are left out.
func flowAddresses(cell string, line int, fs *faults) []netip.Prefix {
	if cell == "any" {
		return []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	}
	var out []netip.Prefix
	for _, w := range strings.Fields(cell) {
		if a, err := netip.ParseAddr(w); err == nil {
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(w)
		switch {
		case err != nil && strings.ContainsAny(w, ":/"):
			fs.add(line, "%q is no address", w)
		case err == nil && p.Masked() != p:
			fs.add(line, "%q has bits beyond its length", w)
		case err == nil:
			out = append(out, p)
		}
	}
	return out
}

func checkFlowsFile(f *artifact.File, p *pass) {
	_, fs := parseFlows(f.Bytes())
	for _, x := range fs {
		p.report(f, x.line, ruleFlows, "%s", x.text)
	}
}

// flows reads the site's flows once; their own faults are reported by the verifier.
func (p *pass) flows(f *artifact.File) []flowRow {
	if p.flowRows == nil {
		p.flowRows, _ = parseFlows(f.Bytes())
	}
	return p.flowRows
}

// checkFlows compares the list of flows with what the rest of the tree does: sessions, listeners of gateways, sources of
// time, and what NetworkPolicies admit.
func checkFlows(p *pass) {
	f := p.tree.Lookup("fabric/" + p.releases.Site + "/flows.csv")
	doc := p.tree.Lookup("fabric/" + p.releases.Site + "/flows.md")
	if f == nil || doc == nil {
		return // a tree of somebody else's making
	}
	rows := p.flows(f)
	text := string(doc.Bytes())
	if n := strings.Count(text, "\n| ") - 2*strings.Count(text, "\n| source |"); n != len(rows) { // a head is two rows
		p.report(doc, 0, ruleFlows, "it has %d flows, and flows.csv %d", n, len(rows))
	}
	set := flowSet{rows}
	p.flowsOfSessions(f, set)
	p.flowsOfGateways(f, set)
	p.flowsOfTime(f, set)
	p.flowsOfPolicies(f, set)
	p.flowsOfAgents(f, set)
}

// flowSet answers what the rows let through.
type flowSet struct{ rows []flowRow }

// has reports whether a row of one of the areas lets packets from source (invalid: whatever) to destination through.
func (s flowSet) has(source, dest netip.Prefix, protocol string, port uint16, areas ...string) bool {
	in := func(list []netip.Prefix, q netip.Prefix) bool {
		return !q.IsValid() || slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Bits() <= q.Bits() && p.Contains(q.Addr()) })
	}
	return slices.ContainsFunc(s.rows, func(r flowRow) bool {
		return slices.Contains(areas, r.area) && r.protocol == protocol && r.port == port && in(r.source, source) && in(r.dest, dest)
	})
}

func hostPrefix(s string) netip.Prefix {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}
	}
	return netip.PrefixFrom(a, a.BitLen())
}

func (p *pass) flowsOfSessions(f *artifact.File, set flowSet) {
	for i := range p.sessions {
		s := &p.sessions[i]
		a, b := hostPrefix(s.B.PeerAddress), hostPrefix(s.A.PeerAddress)
		if !a.IsValid() || !b.IsValid() {
			continue // an unnumbered link
		}
		if !set.has(a, b, "tcp", 179, "fabric") && !set.has(b, a, "tcp", 179, "fabric") {
			p.report(f, 0, ruleFlows, "no flow for the session of %s and %s", s.A.Device, s.B.Device)
		}
		port := uint16(3784)
		if s.A.Multihop {
			port = 4784
		}
		if s.A.BFD != "none" && s.A.BFD != "" && (!set.has(a, b, "udp", port, "fabric") || !set.has(b, a, "udp", port, "fabric")) {
			p.report(f, 0, ruleFlows, "no flow for BFD of %s and %s, both ways", s.A.Device, s.B.Device)
		}
	}
}

// flowsOfGateways: every address and port of a gateway.
func (p *pass) flowsOfGateways(f *artifact.File, set flowSet) {
	each := func(who string, addresses []string, ports []int64) {
		for _, a := range addresses {
			vip := hostPrefix(strings.TrimSpace(a))
			if vip.IsValid() && !set.has(netip.Prefix{}, vip, map[bool]string{true: "ipv6-icmp", false: "icmp"}[vip.Addr().Is6()], 0, "edge") {
				p.report(f, 0, ruleFlows, "nobody may tell %s that packets from %s are too big", who, a)
			}
			for _, n := range ports {
				if vip.IsValid() && !set.has(netip.Prefix{}, vip, "tcp", uint16(n), "edge") {
					p.report(f, 0, ruleFlows, "no flow for clients of %s to %s port %d", who, a, n)
				}
			}
		}
	}
	numbers := func(v any, path ...string) (out []int64) {
		for _, port := range list(v, path...) {
			if n, ok := integer(port, "port"); ok {
				out = append(out, n)
			}
		}
		return out
	}
	for _, release := range sortedKeys(p.values) {
		v := p.values[release]
		if p.releases.Charts[release].Name != "gateway" || str(v.value, "service", "annotations", kubeVIPEgress) != "" {
			continue // what leaves with its address is among the flows of services
		}
		for _, key := range sortedKeys(dict(v.value, "service", "annotations")) {
			each(release, strings.Split(str(v.value, "service", "annotations", key), ","), numbers(v.value, "service", "ports"))
		}
	}
	for _, o := range p.objects {
		if o.kind == "Gateway" && strings.HasPrefix(str(o.value, "apiVersion"), "gateway.networking.k8s.io/") {
			var addresses []string
			for _, a := range list(o.value, "spec", "addresses") {
				addresses = append(addresses, str(a, "value"))
			}
			each(o.name, addresses, numbers(o.value, "spec", "listeners"))
		}
	}
}

// flowsOfTime: every source that a host file names by its address.
func (p *pass) flowsOfTime(f *artifact.File, set flowSet) {
	for _, h := range p.tree.Files() {
		if !match("hosts/*/*/etc/chrony/chrony.conf", h.Path()) && !match("hosts/*/*/etc/chrony.conf", h.Path()) && !match(ntpsecGlob, h.Path()) {
			continue
		}
		for line := range strings.Lines(string(h.Bytes())) {
			w := strings.Fields(line)
			if len(w) > 1 && w[0] == "server" && hostPrefix(w[1]).IsValid() && !set.has(netip.Prefix{}, hostPrefix(w[1]), "udp", 123, "nodes") {
				p.report(f, 0, ruleFlows, "no flow for the source of time %s of %s", w[1], h.Path())
			}
		}
	}
}

// flowsOfPolicies: what NetworkPolicies admit from pods, and to addresses outside.
func (p *pass) flowsOfPolicies(f *artifact.File, set flowSet) {
	for _, o := range p.objects {
		if o.kind != "NetworkPolicy" {
			continue
		}
		service, isService := strings.CutPrefix(o.name, "service-")
		to := "service " + o.namespace + "/" + service
		for _, rule := range list(o.value, "spec", "ingress") {
			for _, x := range list(rule, "ports") {
				n, _ := integer(x, "port")
				from := slices.ContainsFunc(list(rule, "from"), func(v any) bool { return has(v, "podSelector") })
				known := slices.ContainsFunc(set.rows, func(r flowRow) bool {
					return r.area == "pods" && r.to == to && r.protocol == strings.ToLower(str(x, "protocol")) && int64(r.port) == n
				})
				if isService && from && !known {
					p.report(f, 0, ruleFlows, "NetworkPolicy %s/%s admits pods on port %d, and there is no such flow", o.namespace, o.name, n)
				}
			}
		}
		for _, rule := range list(o.value, "spec", "egress") {
			for _, x := range list(rule, "ports") {
				n, _ := integer(x, "port")
				for _, peer := range list(rule, "to") {
					block, err := netip.ParsePrefix(str(peer, "ipBlock", "cidr"))
					if err == nil && block.Bits() > 0 && !set.has(netip.Prefix{}, block, strings.ToLower(str(x, "protocol")), uint16(n), "pods", "outside") {
						p.report(f, 0, ruleFlows, "NetworkPolicy %s/%s admits %s port %d, and there is no such flow", o.namespace, o.name, block, n)
					}
				}
			}
		}
	}
}
