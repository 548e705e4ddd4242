// Package hostfirewall prints the packet filter of edge nodes.
//
// In come the plan's host firewalls, made of its flows. Out go, for each group of edge nodes, below
// hosts/<site>/<group>/: etc/meshgen/firewall.nft, one nftables table of its own, and the systemd unit that loads it.
//
// kube-proxy and the pod network keep tables in the same kernel. Nothing here touches them: the file replaces one table
// in one transaction and flushes none. Debian's nftables.service does flush all of them when it starts, which is why the
// table has a unit of its own. Read in nft(8) 1.0.6 and in /etc/nftables.conf of Debian 12, 2026-11.
package hostfirewall

import (
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// Backend writes the filter of each group of edge nodes, and nothing for a site without fabric.hostFirewall.
var Backend = backend.Backend{
	Name: "hostfirewall",
	Kind: "hosts",
	Doc:  "an nftables table for edge nodes that drops what no flow of the site leads to, and the unit that loads it",
	Emit: emit,
}

const (
	path = "/etc/meshgen/firewall.nft"
	own  = "/etc/meshgen/firewall.d" // rules of those who run the machines; may be missing
)

func emit(p *ir.Plan, t *artifact.Tree) {
	for i := range p.Firewalls {
		fw := &p.Firewalls[i]
		table(p, t, fw)
		unit(p, t, fw)
	}
}

func file(p *ir.Plan, t *artifact.Tree, fw *ir.HostFirewall, name string) *artifact.File {
	f := t.File("hosts/"+p.Name+"/"+fw.Group+name, append(fw.From[:len(fw.From):len(fw.From)], p.From...)...)
	f.Header("#", p.Name)
	return f
}

func lines(f *artifact.File, texts ...string) {
	for _, s := range texts {
		f.Line(s)
	}
}

func table(p *ir.Plan, t *artifact.Tree, fw *ir.HostFirewall) {
	f := file(p, t, fw, path)
	lines(f,
		"# What reaches this machine itself. Packets for pods, virtual addresses and node ports are forwarded and not filtered here.",
		"# Check: nft -c -f "+path+"; load: systemctl reload-or-restart meshgen-firewall; undo: systemctl stop meshgen-firewall",
		"# SSH stays open to everybody, because the site does not say where its people are. What a machine takes besides is yours",
		"# to add, as rules in files of "+own+": no other table can let in what this one drops.",
		"",
		"# The first two lines make one transaction of it: there is no moment without a filter, and none with both.",
		"table inet meshgen",
		"delete table inet meshgen",
		"table inet meshgen {",
		"    chain input {",
		"        type filter hook input priority filter; policy drop;",
		"        ct state established,related accept",
		"        iif lo accept",
		"        # Neighbors, and packets that are too big: without them nothing works for long.",
		"        icmp type { destination-unreachable, echo-request, time-exceeded, parameter-problem } accept",
		"        icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem, echo-request, mld-listener-query, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept",
		"        tcp dport 22 accept",
	)
	for i := range fw.Rules {
		r := &fw.Rules[i]
		f.Begin(append(fw.From[:len(fw.From):len(fw.From)], r.From...)...)
		f.Line("        # " + r.Why)
		f.Line("        " + statement(r))
	}
	f.Begin(fw.From...)
	lines(f,
		`        include "`+own+`/*.nft"`,
		`        limit rate 5/second burst 20 packets log prefix "meshgen drop: " level info`,
		"    }",
		"}",
	)
}

// statement is a rule in the language of nft.
func statement(r *ir.FirewallRule) string {
	family, hops := "ip", "ip ttl 255"
	if r.IPv6 {
		family, hops = "ip6", "ip6 hoplimit 255"
	}
	parts := []string{family + " saddr { " + strings.Join(ir.Prefixes(r.Sources), ", ") + " }"}
	if r.OneHop {
		parts = append(parts, hops)
	}
	if r.Port == 0 {
		parts = append(parts, "meta l4proto "+r.Protocol)
	} else {
		parts = append(parts, r.Protocol+" dport "+strconv.Itoa(int(r.Port)))
	}
	return strings.Join(append(parts, "accept"), " ")
}

func unit(p *ir.Plan, t *artifact.Tree, fw *ir.HostFirewall) {
	f := file(p, t, fw, "/etc/systemd/system/meshgen-firewall.service")
	lines(f,
		"# Once: systemctl daemon-reload && systemctl enable --now meshgen-firewall. Leave nftables.service off: its file begins",
		"# with \"flush ruleset\", which takes the tables of kube-proxy and of the pod network away as well.",
		"[Unit]",
		"Description=Packet filter of meshgen",
		"After=nftables.service",
		"Before=kubelet.service",
		"",
		"[Service]",
		"Type=oneshot",
		"RemainAfterExit=yes",
		"ExecStart=/usr/sbin/nft -f "+path,
		"ExecReload=/usr/sbin/nft -f "+path,
		"ExecStop=/usr/sbin/nft delete table inet meshgen",
		"",
		"[Install]",
		"WantedBy=multi-user.target",
	)
}
