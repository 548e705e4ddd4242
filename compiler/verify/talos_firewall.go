package verify

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"meshgen.dev/meshgen/compiler/artifact"
)

// talosRule is a document of the filter (siderolabs/talos v1.12.11 pkg/machinery/config/types/network:
// default_action_config.go, rule_config.go).
type talosRule struct {
	APIVersion   string `yaml:"apiVersion"`
	Kind         string `yaml:"kind"`
	Name         string `yaml:"name"`
	PortSelector struct {
		Ports    []uint16 `yaml:"ports"`
		Protocol string   `yaml:"protocol"`
	} `yaml:"portSelector"`
	Ingress yaml.Node `yaml:"ingress"`
}

// talosFirewall reads the documents of the filter that are left, if any.
func talosFirewall(d *yaml.Decoder, fail func(string, ...any)) []firewallAccept {
	var out []firewallAccept
	names := map[string]bool{}
	for n := 0; ; n++ {
		var r talosRule
		switch err := d.Decode(&r); {
		case errors.Is(err, io.EOF):
			return out
		case err != nil:
			fail("no document of the filter as it is in use here: %v", err)
			return out
		case r.APIVersion != "v1alpha1":
			fail("apiVersion %q of a document of the filter", r.APIVersion)
		}
		if n == 0 {
			if r.Kind != "NetworkDefaultActionConfig" || r.Ingress.Value != "block" {
				fail("the filter does not begin by dropping everything")
			}
			continue
		}
		s := r.PortSelector
		if r.Kind != "NetworkRuleConfig" || r.Name == "" || names[r.Name] || len(s.Ports) != 1 || s.Ports[0] == 0 || s.Protocol != "tcp" && s.Protocol != "udp" {
			fail("document %q is no rule for one port under a name of its own", r.Name)
			continue
		}
		names[r.Name] = true
		a := firewallAccept{protocol: s.Protocol, port: s.Ports[0]}
		var sources []struct {
			Subnet netip.Prefix `yaml:"subnet"`
		}
		if err := r.Ingress.Decode(&sources); err != nil || len(sources) == 0 {
			fail("rule %q has no sources: %v", r.Name, err)
		}
		for _, x := range sources {
			if p := x.Subnet; !p.IsValid() || p != p.Masked() || p.Bits() == 0 && a.port != talosInterface {
				fail("rule %q: %s is no network, or everybody", r.Name, p)
			}
			a.sources = append(a.sources, x.Subnet)
		}
		out = append(out, a)
	}
}

// talosInterface is the port of Talos' own interface: a machine that drops it can be managed by nobody.
const talosInterface = 50000

const talosFirewallGlob = "hosts/*/*/talos-firewall.yaml"

func readTalosFirewall(f *artifact.File, p *pass) {
	var fs faults
	checkHeader(f.Bytes(), "#", siteOf(f), &fs)
	for _, fault := range fs {
		p.report(f, fault.line, ruleFirewall, "%s", fault.text)
	}
	rules := talosFirewall(yaml.NewDecoder(bytes.NewReader(f.Bytes())), func(format string, args ...any) { p.report(f, 0, ruleFirewall, format, args...) })
	if len(rules) == 0 {
		p.report(f, 0, ruleFirewall, "the filter lets nothing in")
	}
}

// checkTalosFirewalls compares each filter of Talos with the flows that lead to the machines of its group.
func checkTalosFirewalls(p *pass, rows []flowRow, machines *inventory) {
	for _, f := range p.tree.Files() {
		if !match(talosFirewallGlob, f.Path()) {
			continue
		}
		rules := talosFirewall(yaml.NewDecoder(bytes.NewReader(f.Bytes())), func(string, ...any) {})
		p.holdTalos(f, rules, rows, machines)
	}
}

func (p *pass) holdTalos(f *artifact.File, rules []firewallAccept, rows []flowRow, machines *inventory) {
	used := make([]bool, len(rules))
	group := strings.Split(f.Path(), "/")[2]
	known := endsOf(rows, machines, group)
	for _, row := range rows {
		if leadsTo(row, known, machines, group) {
			row.area = "" // Talos knows no TTL
			p.admits(f, rules, used, row)
		}
	}
	everybody := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	open := false
	for i, r := range rules {
		if r.protocol == "tcp" && r.port == talosInterface && slices.Equal(r.sources, everybody) {
			open = true
			continue
		}
		if !used[i] {
			p.report(f, 0, ruleFirewall, "no flow leads here by %s port %d", r.protocol, r.port)
		}
	}
	if !open {
		p.report(f, 0, ruleFirewall, "nobody can reach Talos itself")
	}
}
