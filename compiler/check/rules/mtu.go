package rules

import (
	"cmp"
	"fmt"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/lower"
	"meshgen.dev/meshgen/compiler/site"
)

// minIPv6MTU is the smallest packet size that IPv6 allows on a link.
const minIPv6MTU = 1280

// PodMTU finds pods that are left with too small packets.
var PodMTU = &check.Rule{
	ID: "MG1160", Name: "pod-mtu", Severity: diag.Error, On: check.OnSite,
	Doc: `encapsulation leaves pods packets smaller than IPv6 allows

The kernel takes IPv6 off an interface with an MTU under 1280: pods start without their IPv6 address, or do not start.
Source: RFC 8200, section 5; Linux net/ipv6/addrconf.c; the overheads of pod networks stand in the profiles.`,
	Run: func(p *check.Pass) {
		k := p.Site.Kubernetes
		cni := p.Profiles.CNI(k.CNI.Kind)
		pods := familySet(k.PodCIDRs)
		if cni == nil || !pods.v6 {
			return
		}
		header, _ := lower.Overhead(p.Site, cni)
		check := func(path string, mtu int) {
			if rest := mtu - header; rest < minIPv6MTU {
				p.Reportf(path, "%s %d less the %d bytes of %s leaves pods %d, and IPv6 needs %d", path, mtu, header, k.CNI.Encapsulation, rest, minIPv6MTU).
					Hintf("at least %d", minIPv6MTU+header).Related("kubernetes.cni.encapsulation", "the encapsulation")
			}
		}
		check("fabric.mtu", p.Site.Fabric.MTU)
		for name, r := range byKey(p.Site.Racks) {
			if r.MTU != 0 {
				check(site.Join("racks", name, "mtu"), r.MTU)
			}
		}
	},
}

// NetworkMTU finds one network with two packet sizes.
var NetworkMTU = &check.Rule{
	ID: "MG1161", Name: "network-mtu", Severity: diag.Warning, On: check.OnSite,
	Doc: `node classes that share a network give it different MTUs

Nobody tells a sender on the same segment that its packet is too large for the receiver: TCP gets along, large datagrams
and storage traffic vanish between two machines and between no others.
Source: RFC 1191 and RFC 8201: path MTU discovery needs a router on the way.`,
	Run: func(p *check.Pass) {
		type seen struct {
			mtu       int
			who, path string
		}
		first := map[string]seen{}
		for cn, c := range byKey(p.Site.NodeClasses) {
			for n, w := range byKey(c.Networks) {
				path := site.Join("nodeClasses", cn, "networks", n)
				now := seen{cmp.Or(w.MTU, p.Site.Fabric.MTU), fmt.Sprintf("class %q", cn), path}
				other, ok := first[w.CIDR]
				if !ok {
					first[w.CIDR] = now
					continue
				}
				if other.mtu != now.mtu {
					p.Reportf(path+".mtu", "network %s has MTU %d on %s and %d on %s", w.CIDR, now.mtu, now.who, other.mtu, other.who).
						Related(other.path+".mtu", "the other MTU")
				}
			}
		}
	},
}

// InterfaceMTU finds interfaces that cannot have the MTU of their network.
var InterfaceMTU = &check.Rule{
	ID: "MG1162", Name: "interface-mtu", Severity: diag.Error, On: check.OnSite,
	Doc: `a network's MTU is not one that its interface can have beside the node network

An interface has one MTU, and a VLAN none above that of the interface below: the kernel refuses it, and the network comes
up with another MTU than its peers or not at all.
Source: Linux net/8021q/vlan_dev.c, vlan_dev_change_mtu.`,
	Run: func(p *check.Pass) {
		for cn, c := range byKey(p.Site.NodeClasses) {
			for n, w := range byKey(c.Networks) {
				path := site.Join("nodeClasses", cn, "networks", n, "mtu")
				base, _, vlan := strings.Cut(w.Interface, ".")
				switch nic := c.NIC.Interface; {
				case w.MTU == 0 || nic == "":
				case w.Interface == nic && w.MTU != p.Site.Fabric.MTU:
					p.Reportf(path, "network %q of class %q has MTU %d on %s, and the node network has %d there", n, cn, w.MTU, nic, p.Site.Fabric.MTU).Hintf("mtu: %d, or an interface of its own", p.Site.Fabric.MTU).
						Related("fabric.mtu", "the node network's MTU")
				case vlan && base == nic && w.MTU > p.Site.Fabric.MTU:
					p.Reportf(path, "network %q of class %q has MTU %d on %s, and %s below it has %d", n, cn, w.MTU, w.Interface, nic, p.Site.Fabric.MTU).
						Hintf("at most %d, or a larger fabric.mtu", p.Site.Fabric.MTU).Related("fabric.mtu", "the node network's MTU")
				}
			}
		}
	},
}
