package hosts

import (
	"fmt"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

const (
	filterPath = "/etc/meshgen/firewall.nft"
	filterUnit = "meshgen-firewall.service"
	unitPath   = "/etc/systemd/system/" + filterUnit
	ownFilters = "/etc/meshgen/firewall.d" // rules of those who run the machines; may be missing
)

// firewall writes the packet filter of a group of edge nodes: one nftables table of its own, and the systemd unit that
// loads it.
//
// kube-proxy and the pod network keep tables in the same kernel. Nothing here touches them: the file replaces one table
// in one transaction and flushes none. Debian's nftables.service does flush all of them when it starts, which is why the
// table has a unit of its own. Read in nft(8) 1.0.6 and in /etc/nftables.conf of Debian 12, 2026-11.
func firewall(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup) {
	if g.Firewall == nil {
		return
	}
	filterTable(p, t, g)
	filterService(p, t, g)
}

func filterFile(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup, name string) *artifact.File {
	from := g.Firewall.From
	f := t.File(dir(p)+"/"+g.Name+name, append(from[:len(from):len(from)], p.From...)...)
	f.Header("#", p.Name)
	return f
}

func lines(f *artifact.File, texts ...string) {
	for _, s := range texts {
		f.Line(s)
	}
}

func filterTable(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup) {
	f, fw := filterFile(p, t, g, filterPath), g.Firewall
	if fw.Earlier == "" {
		lines(f, "# What reaches this machine itself. Packets for pods, virtual addresses and node ports are forwarded and not filtered here.")
	} else {
		lines(f,
			"# What reaches this machine itself. "+program(fw.Earlier)+" stands in for kube-proxy and takes packets for virtual addresses and node",
			"# ports at the network card, before any table of the kernel's: they are not filtered, counted or logged here, and node ports",
			"# are open at every address of the machine. Policies of the pods behind them say who may come.")
	}
	lines(f,
		"# Check: nft -c -f "+filterPath+"; load: systemctl reload-or-restart meshgen-firewall; undo: systemctl stop meshgen-firewall",
		"# SSH stays open to everybody, because the site does not say where its people are. What a machine takes besides is yours",
		"# to add, as rules in files of "+ownFilters+": no other table can let in what this one drops.",
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
	if m := fw.Proxy; m != nil {
		lines(f,
			"        # On the way between pods and the pod network's own proxy: marked on this machine, and kept out of the connection table.",
			fmt.Sprintf("        meta mark & 0x%08x == 0x%08x accept", m.Mask, m.Value))
	}
	for i := range fw.Rules {
		r := &fw.Rules[i]
		f.Begin(append(fw.From[:len(fw.From):len(fw.From)], r.From...)...)
		f.Line("        # " + r.Why)
		f.Line("        " + statement(r))
	}
	f.Begin(fw.From...)
	lines(f,
		`        include "`+ownFilters+`/*.nft"`,
		`        limit rate 5/second burst 20 packets log prefix "meshgen drop: " level info`,
		"    }",
		"}",
	)
}

// program is a pod network's name at the head of a sentence.
func program(kind string) string { return strings.ToUpper(kind[:1]) + kind[1:] }

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

func filterService(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup) {
	f := filterFile(p, t, g, unitPath)
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
		"ExecStart=/usr/sbin/nft -f "+filterPath,
		"ExecReload=/usr/sbin/nft -f "+filterPath,
		"ExecStop=/usr/sbin/nft delete table inet meshgen",
		"",
		"[Install]",
		"WantedBy=multi-user.target",
	)
}
