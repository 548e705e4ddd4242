package rules

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// SwitchVLAN finds switches of one rack with the node network in two VLANs.
var SwitchVLAN = &check.Rule{
	ID: "MG1242", Name: "switch-vlan-differs", Severity: diag.Error, On: check.OnSite,
	Doc: `the switches of a rack have its node network in different VLANs

A frame of a node arrives with one tag, whichever link it takes. On the other switch it lands in another network:
nodes reach one another or not by the hash of the bond.
Source: IEEE 802.1Q.`,
	Run: func(p *check.Pass) {
		for rn, r := range byKey(p.Site.Racks) {
			if r.Homing == "unnumbered" {
				continue // each link is a network of its own
			}
			first := ""
			for tn, t := range byKey(r.ToRs) {
				if first == "" {
					first = tn
					continue
				}
				if other := r.ToRs[first]; other.VLAN != t.VLAN {
					at := site.Join("racks", rn, "tors", tn)
					otherAt := site.Join("racks", rn, "tors", first)
					if t.VLAN != 0 {
						at += ".vlan"
					}
					if other.VLAN != 0 {
						otherAt += ".vlan"
					}
					p.Reportf(at, "switch %s has the nodes of rack %q %s, and switch %s %s", t.Hostname, rn, vlanText(t.VLAN), other.Hostname, vlanText(other.VLAN)).
						Related(otherAt, "the other switch").
						Hintf("one vlan for both")
				}
			}
		}
	},
}

func vlanText(vlan int) string {
	if vlan == 0 {
		return "untagged"
	}
	return fmt.Sprintf("in VLAN %d", vlan)
}

// SwitchSilent finds a switch that speaks no BGP beside one that does.
var SwitchSilent = &check.Rule{
	ID: "MG1243", Name: "switch-without-peers", Severity: diag.Error, On: check.OnSite,
	Doc: `one switch of a rack speaks BGP and the other does not

The silent one never learns a virtual address. Half of the traffic for the rack arrives there and is sent elsewhere by a
default route, or dropped; when the other switch fails, the rack's addresses are gone although its nodes have a link.
Source: RFC 7938, section 5.2.`,
	Run: func(p *check.Pass) {
		for rn, r := range byKey(p.Site.Racks) {
			speaker := ""
			for tn, t := range byKey(r.ToRs) {
				if t.ASN != 0 && speaker == "" {
					speaker = tn
				}
			}
			if speaker == "" {
				continue
			}
			for tn, t := range byKey(r.ToRs) {
				if t.ASN == 0 {
					p.Reportf(site.Join("racks", rn, "tors", tn), "switch %s of rack %q has no AS number, and switch %s has %d", t.Hostname, rn, r.ToRs[speaker].Hostname, r.ToRs[speaker].ASN).
						Related(site.Join("racks", rn, "tors", speaker, "asn"), "the other switch").Hintf("asn: %d", r.ToRs[speaker].ASN)
				}
			}
		}
	},
}

// SwitchesDiffer finds a pair that is none.
var SwitchesDiffer = &check.Rule{
	ID: "MG1244", Name: "switches-differ", Severity: diag.Warning, On: check.OnSite,
	Doc: `the switches of one rack differ in operating system or in address families

MLAG is a protocol of one maker: two systems form no pair. Where only one switch has an address of a family, the
addresses of that family hang on it alone.
Source: manuals of the makers, MLAG and vPC prerequisites.`,
	Run: func(p *check.Pass) {
		for rn, r := range byKey(p.Site.Racks) {
			first := ""
			for tn, t := range byKey(r.ToRs) {
				if first == "" {
					first = tn
					continue
				}
				other, path, otherPath := r.ToRs[first], site.Join("racks", rn, "tors", tn), site.Join("racks", rn, "tors", first)
				if r.Homing == "mlag" && t.OS != "" && other.OS != "" && t.OS != other.OS {
					p.Reportf(path+".os", "switch %s runs %s, and its MLAG partner %s runs %s", t.Hostname, t.OS, other.Hostname, other.OS).
						Related(otherPath+".os", "the other switch")
				}
				mine, theirs := familiesOf(t.Address), familiesOf(other.Address)
				for i, family := range []string{"IPv4", "IPv6"} {
					with, without := t, other
					if theirs[i] {
						with, without = other, t
					}
					if mine[i] != theirs[i] {
						p.Reportf(path+".address", "switch %s of rack %q has an %s address, and switch %s has none", with.Hostname, rn, family, without.Hostname).
							Related(otherPath+".address", "the other switch")
					}
				}
			}
		}
	},
}

// interfaceForm is how an operating system calls the ports that lead to other switches. Kernel names are at most 15
// characters without a slash (Linux, IFNAMSIZ); the others have a type, which may be shortened, and numbers.
var interfaceForm = map[string]struct {
	form    *regexp.Regexp
	example string
}{
	"frr":   {regexp.MustCompile(`^[^/]{1,15}$`), "swp49"},
	"sonic": {regexp.MustCompile(`^(Ethernet|PortChannel|Vlan|Eth|Po)[0-9]+(/[0-9]+)*(\.[0-9]+)?$`), "Ethernet48"},
	"eos":   {regexp.MustCompile(`^(?i)(et[a-z]*|po[a-z-]*|vl[a-z]*) ?[0-9]+(/[0-9]+)*(\.[0-9]+)?$`), "Ethernet49/1"},
	"nxos":  {regexp.MustCompile(`^(?i)(et[a-z]*|po[a-z-]*|vl[a-z]*) ?[0-9]+(/[0-9]+)*(\.[0-9]+)?$`), "Ethernet1/49"},
}

// InterfaceName finds a port name that the switch does not know.
var InterfaceName = &check.Rule{
	ID: "MG1245", Name: "interface-of-other-system", Severity: diag.Error, On: check.OnSite,
	Doc: `an uplink's interface has a name that the switch's operating system does not use

The switch refuses the line, or waits for an interface that never appears: the uplink has no session, and its load
moves to the others.
Source: Linux if.h; SONiC port naming; Arista EOS and Cisco NX-OS manuals.`,
	Run: func(p *check.Pass) {
		see := func(path, name, os, hostname string) {
			if f, ok := interfaceForm[os]; ok && name != "" && !f.form.MatchString(name) {
				p.Reportf(path, "switch %s runs %s, which has no interface %q", hostname, os, name).Hintf("a name such as %s", f.example)
			}
		}
		for u := range uplinks(p.Site) {
			see(u.path+".interface", u.Interface, u.from.OS, u.from.Hostname)
			if sp := p.Site.Fabric.Spines[u.Spine]; sp != nil {
				see(u.path+".peerInterface", u.PeerInterface, sp.OS, sp.Hostname)
			}
		}
	},
}

// RouterIDZero finds a router ID that no speaker may have.
var RouterIDZero = &check.Rule{
	ID: "MG1246", Name: "router-id-zero", Severity: diag.Error, On: check.OnSite,
	Doc: `a router ID is 0.0.0.0

Zero is no identifier: a peer refuses the OPEN message, so the switch has no session at all.
Source: RFC 6286, section 2.1.`,
	Run: func(p *check.Pass) {
		see := func(id, hostname, path string) {
			if id == "0.0.0.0" {
				p.Reportf(path+".routerID", "router ID of switch %s is 0.0.0.0", hostname).Hintf("an IPv4 address of the switch's own")
			}
		}
		for r := range routers(p.Site) {
			see(r.routerID, r.hostname, r.path)
		}
	},
}

// spinesOf are the spines that a switch has links to, sorted.
func spinesOf(t *site.ToR) []string {
	set := map[string]bool{}
	for _, u := range t.Uplinks {
		set[u.Spine] = true
	}
	return slices.Sorted(maps.Keys(set))
}
