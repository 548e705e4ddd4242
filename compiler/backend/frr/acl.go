package frr

import (
	"fmt"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// filter writes what a Linux switch forwards from its uplinks to virtual addresses, because FRR filters no packets:
// fabric/<site>/<host name>.nft, one nftables table that is replaced in one transaction.
func filter(p *ir.Plan, t *artifact.Tree, sw *ir.Switch) {
	acl := sw.ACL
	if acl == nil {
		return
	}
	f := t.File("fabric/"+p.Name+"/"+sw.Hostname+".nft", append(acl.From[:len(acl.From):len(acl.From)], sw.From...)...)
	f.Header("#", p.Name)
	for _, line := range []string{
		"# What " + sw.Hostname + " forwards from its uplinks to virtual addresses: what a flow of the site leads to, and word of",
		"# packets that are too big. Answers to clients leave by the uplinks and are not filtered.",
		"# Check: nft -c -f FILE; load: nft -f FILE, at every start; undo: nft delete table inet " + acl.Name,
		"# Where ports forward in hardware the kernel sees no packet: there the switch has to take the rules over by its own means.",
		"",
		"# The first two lines make one transaction of it: there is no moment without a filter, and none with both.",
		"table inet " + acl.Name,
		"delete table inet " + acl.Name,
		"table inet " + acl.Name + " {",
		"    chain forward {",
		"        type filter hook forward priority filter; policy accept;",
		`        iifname != { "` + strings.Join(acl.Ports, `", "`) + `" } accept`,
		"        # Behind the first fragment no packet has a port. Without the first, which is filtered, nobody can put them together.",
		"        ip frag-off & 0x1fff != 0 accept",
		"        frag frag-off != 0 accept",
	} {
		f.Line(line)
	}
	for i := range acl.Entries {
		e := &acl.Entries[i]
		f.Begin(append(acl.From[:len(acl.From):len(acl.From)], e.From...)...)
		if e.Port != 0 {
			f.Line("        # " + e.Why)
		}
		f.Line("        " + nftEntry(e))
	}
	f.Begin(acl.From...)
	f.Line("    }")
	f.Line("}")
}

// nftEntry is an entry in the language of nft.
func nftEntry(e *ir.ACLEntry) string {
	family, tooBig := "ip", "icmp type destination-unreachable" // of which code 4 is "fragmentation needed"
	if e.Family == ir.IPv6 {
		family, tooBig = "ip6", "icmpv6 type packet-too-big"
	}
	var parts []string
	if e.Source.IsValid() {
		parts = append(parts, family+" saddr "+e.Source.String())
	}
	parts = append(parts, family+" daddr "+e.Dest.String())
	switch {
	case e.Protocol == "icmp":
		parts = append(parts, tooBig)
	case e.Port != 0:
		parts = append(parts, e.Protocol+" dport "+strconv.Itoa(int(e.Port)))
	}
	verdict := "drop"
	if e.Permit {
		verdict = "accept"
	}
	return strings.Join(append(parts, verdict), " ")
}

// The numbers of protocols, and the type of ICMP that tells of packets that are too big, by family.
var (
	protocolNumbers = map[string]int{"tcp": 6, "udp": 17}
	icmpNumbers     = map[ir.Family]int{ir.IPv4: 1, ir.IPv6: 58}
	tooBigTypes     = map[ir.Family]int{ir.IPv4: 3, ir.IPv6: 2}
)

// topPriority is that of the first entry; acl-loader of SONiC counts down from 10000, where its own last denial is 1.
const topPriority = 9999

// aclSections are the tables and rules of SONiC's CONFIG_DB, one table a family: what fits no rule passes. A rule has no
// word for fragments.
// Source: sonic-net/sonic-buildimage, src/sonic-yang-models, sonic-acl.yang.j2 @69dce3c3a5, read 2026-11-21.
func aclSections(sw *ir.Switch) []section {
	if sw.ACL == nil {
		return nil
	}
	tables, rules := section{name: "ACL_TABLE", from: sw.ACL.From}, section{name: "ACL_RULE", from: sw.ACL.From}
	for _, f := range sw.ACL.Families() {
		name, kind := f.Object(sw.ACL.Name), "L3"
		if f == ir.IPv6 {
			kind = "L3V6"
		}
		tables.rows = append(tables.rows, row{sw.ACL.From, fmt.Sprintf(`"%s": {"policy_desc": "from the uplinks to virtual addresses", "type": "%s", "stage": "ingress", "ports": ["%s"]}`,
			name, kind, strings.Join(sw.ACL.Ports, `", "`))})
		for i, e := range sw.ACL.Of(f) {
			rules.rows = append(rules.rows, row{e.From, fmt.Sprintf(`"%s|RULE_%d": {"PRIORITY": "%d", %s}`, name, i+1, topPriority-i, sonicRule(&e))})
		}
	}
	return []section{tables, rules}
}

// sonicRule is what an entry matches and does, as fields of ACL_RULE.
func sonicRule(e *ir.ACLEntry) string {
	src, dst, icmp := "SRC_IP", "DST_IP", "ICMP_TYPE"
	if e.Family == ir.IPv6 {
		src, dst, icmp = "SRC_IPV6", "DST_IPV6", "ICMPV6_TYPE"
	}
	action := "DROP"
	if e.Permit {
		action = "FORWARD"
	}
	pairs := []string{"PACKET_ACTION", action}
	if e.Source.IsValid() {
		pairs = append(pairs, src, e.Source.String())
	}
	pairs = append(pairs, dst, e.Dest.String())
	switch {
	case e.Protocol == "icmp":
		pairs = append(pairs, "IP_PROTOCOL", strconv.Itoa(icmpNumbers[e.Family]), icmp, strconv.Itoa(tooBigTypes[e.Family]))
	case e.Port != 0:
		pairs = append(pairs, "IP_PROTOCOL", strconv.Itoa(protocolNumbers[e.Protocol]), "L4_DST_PORT", strconv.Itoa(int(e.Port)))
	}
	var out []string
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, `"`+pairs[i]+`": "`+pairs[i+1]+`"`)
	}
	return strings.Join(out, ", ")
}

// A section is a table of CONFIG_DB.
type section struct {
	name string
	rows []row
	from ir.From
}

// A row is one entry of a table, in JSON.
type row struct {
	from ir.From
	text string
}

// write writes a section; more tells that another follows.
func (s *section) write(f *artifact.File, sw *ir.Switch, more bool) {
	f.Begin(append(s.from[:len(s.from):len(s.from)], sw.From...)...)
	f.Linef(`  "%s": {`, s.name)
	for i, r := range s.rows {
		f.From("", r.from...)
		f.Line("    " + r.text + comma(i < len(s.rows)-1))
	}
	if sw.ACL != nil { // which decides whether another follows
		f.From("", append(sw.ACL.From[:len(sw.ACL.From):len(sw.ACL.From)], sw.From...)...)
	} else {
		f.Fixed()
	}
	f.Line(`  }` + comma(more))
}

func comma(more bool) string {
	if more {
		return ","
	}
	return ""
}

// aclHint tells in the text for SONiC what the access list beside it does not do by itself.
func (w *writer) aclHint() {
	acl := w.Switch.ACL
	if acl == nil || w.Switch.OS != sonicName {
		return
	}
	w.Section(acl.From)
	w.Linef("! The entries of CONFIG_DB bind the access list %s to the uplinks. config load adds: take yesterday's rules", acl.Name)
	w.Linef("! away first (acl-loader delete %s). Behind its first fragment a packet has no port, fits no rule and is dropped.", acl.Name)
	w.Line("!")
}
