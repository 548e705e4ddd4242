package hosts

import (
	"cmp"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

const (
	sourcesPath     = "/etc/meshgen/egress.nft"
	sourcesUnit     = "meshgen-egress.service"
	sourcesUnitPath = "/etc/systemd/system/" + sourcesUnit
)

// sources writes the rules by which a machine gives what its pods send to some destinations an address of its own, and
// the unit that loads them.
//
// The pod network and kube-proxy have rules of their own for what leaves, in the same hook at priority srcnat. For each new
// connection the kernel asks the chains of type nat in the order of their priority and stops at the first that has chosen a
// source (net/netfilter/nf_nat_core.c, nf_nat_inet_fn, of 6.1): one step earlier wins, whoever is loaded last. Tables of
// family inet may have such chains since kernel 5.2. Read 2026-11-21.
func sources(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup) {
	if g.SourceNAT == nil {
		return
	}
	from := append(g.SourceNAT.From[:len(g.SourceNAT.From):len(g.SourceNAT.From)], p.From...)
	f := t.File(dir(p)+"/"+g.Name+sourcesPath, from...)
	f.Header("#", p.Name)
	lines(f,
		"# What pods of this machine send to these destinations leaves with an address of the machine's own, which must be on one",
		"# of its interfaces: ip -brief address. Before the rules of the pod network, which would give it another.",
		"# Check: nft -c -f "+sourcesPath+"; load: systemctl reload-or-restart meshgen-egress; look: nft list table inet meshgen_egress",
		"# Connections that stand keep the address that they began with.",
		"",
		"# The first two lines make one transaction of it: there is no moment without the rules, and none with both.",
		"table inet meshgen_egress",
		"delete table inet meshgen_egress",
		"table inet meshgen_egress {",
		"    chain postrouting {",
		"        type nat hook postrouting priority srcnat - 1; policy accept;",
	)
	for i := range g.SourceNAT.Rules {
		r := &g.SourceNAT.Rules[i]
		f.Begin(append(from[:len(from):len(from)], r.From...)...)
		f.Line("        # egress gateway " + r.Gateway)
		f.Line("        " + sourceStatement(r))
	}
	f.Begin(from...)
	lines(f, "    }", "}")
	sourcesService(p, t, g, from)
}

// sourceStatement is a rule in the language of nft.
func sourceStatement(r *ir.SourceRule) string {
	family := "ip"
	if r.Source.Is6() {
		family = "ip6"
	}
	return family + " saddr { " + strings.Join(ir.Prefixes(r.Pods), ", ") + " } " + family + " daddr { " +
		strings.Join(ir.Prefixes(r.Destinations), ", ") + " } counter snat " + family + " to " + r.Source.String()
}

func sourcesService(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup, from ir.From) {
	f := t.File(dir(p)+"/"+g.Name+sourcesUnitPath, from...)
	f.Header("#", p.Name)
	lines(f,
		"# Once: systemctl daemon-reload && systemctl enable --now meshgen-egress. Leave nftables.service off: its file begins with",
		"# \"flush ruleset\", which takes the tables of kube-proxy and of the pod network away as well.",
		"[Unit]",
		"Description=Fixed source addresses of pods, by meshgen",
		"After=nftables.service",
		"Before="+cmp.Or(g.Unit, "kubelet.service"),
		"",
		"[Service]",
		"Type=oneshot",
		"RemainAfterExit=yes",
		"ExecStart=/usr/sbin/nft -f "+sourcesPath,
		"ExecReload=/usr/sbin/nft -f "+sourcesPath,
		"ExecStop=/usr/sbin/nft delete table inet meshgen_egress",
		"",
		"[Install]",
		"WantedBy=multi-user.target",
	)
}
