package rules

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// leastMemory is what kubeadm asks of a machine, 1700 MB, in bytes (cmd/kubeadm/app/constants, ControlPlaneMem).
const leastMemory = 1_700_000_000

// MachineSize finds a machine of an unlikely size.
var MachineSize = &check.Rule{
	ID: "MG2121", Name: "machine-size", Severity: diag.Warning, On: check.OnSite,
	Doc: `a class has less memory, or a slower interface, than a node can work with

Mostly a unit that slipped: Mi for Gi, Mbps for Gbps. Connection tables, proxies and bottlenecks are judged by these.
Source: kubeadm requirements, 2 GB or more of memory for each machine.`,
	Run: func(p *check.Pass) {
		for name, c := range byKey(p.Site.NodeClasses) {
			path := site.Join("nodeClasses", name)
			if site.ParseQuantity(c.Memory) < leastMemory {
				p.Reportf(path+".memory", "class %q has %s of memory, and a node needs 2Gi at least", name, c.Memory)
			}
			if site.ParseBitRate(c.NIC.Speed) < 100_000_000 {
				p.Reportf(path+".nic.speed", "the interface of class %q makes %s", name, c.NIC.Speed).
					Hintf("write the speed of all members together, 25Gbps")
			}
		}
	},
}

// BondMembers finds a bond that is none.
var BondMembers = &check.Rule{
	ID: "MG2122", Name: "bond-members", Severity: diag.Error, On: check.OnSite,
	Doc: `the members of a bond cannot be, or leave it without what a bond is for

An interface can be a member once, is no member of itself, and carries no network of its own while it is one. A single
member has nothing to fail over to, and members without a mode get balance-rr, which reorders the packets of a connection:
these two are warnings.
Source: kernel documentation, Linux Ethernet Bonding Driver.`,
	Run: func(p *check.Pass) {
		for name, c := range byKey(p.Site.NodeClasses) {
			path := site.Join("nodeClasses", name, "nic")
			members := c.NIC.Members
			for i, m := range members {
				at := path + ".members." + site.Index(i)
				if m == c.NIC.Interface {
					p.Reportf(at, "bond %s of class %q has itself as a member", m, name).Hintf("members: the interfaces of the cards under %s", c.NIC.Interface).Related(path+".interface", "the bond")
				}
				if j := slices.Index(members, m); j < i {
					p.Reportf(at, "bond %s of class %q has member %s twice", c.NIC.Interface, name, m).Related(path+".members."+site.Index(j), "first named here").
						Hintf("each member once")
				}
				for net, w := range byKey(c.Networks) {
					if w.Interface == m {
						p.Reportf(site.Join("nodeClasses", name, "networks", net, "interface"), "network %q of class %q is on %s, a member of bond %s", net, name, m, c.NIC.Interface).Hintf("interface: %q, or a VLAN on it, %q", c.NIC.Interface, c.NIC.Interface+".100").
							Related(at, "the member")
					}
				}
			}
			if len(members) == 1 {
				p.Reportf(path+".members", "bond %s of class %q has one member, %s", c.NIC.Interface, name, members[0]).
					Hintf("name the second member, or declare %s as the interface", members[0]).Warning()
			}
			if len(members) > 1 && c.NIC.Mode == "" {
				p.Reportf(path+".members", "bond %s of class %q has %d members and no mode: the kernel's default is balance-rr", c.NIC.Interface, name, len(members)).
					Hintf("add mode: \"802.3ad\" behind an MLAG pair, \"active-backup\" behind two switches apart").Warning()
			}
		}
	},
}

// BondHoming finds a bonding mode that the switches cannot take part in.
var BondHoming = &check.Rule{
	ID: "MG2123", Name: "bond-homing", Severity: diag.Error, On: check.OnSite,
	Doc: `the bonding mode of a class does not fit how its racks attach nodes

Aggregation (802.3ad, balance-xor, balance-rr, broadcast) needs switches that act as one: on two that do not, one half
of the links is idle or the address flaps between them. An MLAG pair in turn bundles its ports: a node that does not
aggregate gets its frames back on the idle link.
Source: kernel documentation, Linux Ethernet Bonding Driver: switch configuration; IEEE 802.1AX.`,
	Run: func(p *check.Pass) {
		apart := []string{"active-backup", "balance-tlb", "balance-alb"}
		racks, seen := map[string][]string{}, map[[2]string]bool{}
		for m := range machines(p.Site) {
			if key := [2]string{m.node.Class, m.rack}; m.class != nil && m.class.NIC.Mode != "" && !seen[key] {
				seen[key] = true
				racks[m.node.Class] = append(racks[m.node.Class], m.rack)
			}
		}
		for name, in := range byKey(racks) {
			mode, path := p.Site.NodeClasses[name].NIC.Mode, site.Join("nodeClasses", name, "nic", "mode")
			odd := func(homing, what, hint string) {
				in := slices.DeleteFunc(slices.Clone(in), func(rack string) bool { return p.Site.Racks[rack].Homing != homing })
				if len(in) == 0 {
					return
				}
				r := p.Reportf(path, "class %q bonds with mode %s, and nodes of %s are attached to %s (%s)", name, mode, strings.Join(in, ", "), what, homing).Hintf("%s", hint)
				for _, rack := range in {
					r.Related(site.Join("racks", rack, "homing"), "how rack %q attaches nodes", rack)
				}
			}
			if slices.Contains(apart, mode) {
				odd("mlag", "an MLAG pair, which aggregates", "write 802.3ad")
			} else {
				odd("active-backup", "two switches one at a time", "write active-backup; aggregation needs homing mlag")
			}
		}
	},
}

// KernelOfOS finds a kernel that the declared operating system does not come with.
var KernelOfOS = &check.Rule{
	ID: "MG2124", Name: "kernel-of-os", Severity: diag.Warning, On: check.OnSite,
	Doc: `a kernel is older than the one that its operating system came with, or of another release of it

Either of the two is a slip, and sysctls, modules and kernel floors are decided by both. A newer kernel is fine.
Source: release notes of the distributions.`,
	Run: func(p *check.Pass) {
		compare := func(path, os, kernel, other string) {
			prof := p.Profiles.OS(os)
			k, err := profile.ParseKernel(kernel)
			if prof == nil || err != nil || prof.Family == "talos" { // one image holds both: a patch release may bring another kernel
				return
			}
			own, err := profile.ParseVersion(prof.Kernel)
			if err != nil {
				return
			}
			major, _, _ := strings.Cut(k.RHEL, ".")
			switch {
			case !k.AtLeast(own):
				p.Reportf(path, "kernel %s is older than that of %s, %s", kernel, os, prof.Kernel).Related(other, "the operating system")
			case prof.Family == "rhel" && major != "" && !strings.HasSuffix(os, major), prof.Family != "rhel" && major != "":
				p.Reportf(path, "kernel %s is one of release %s of RHEL, and the operating system is %s", kernel, k.RHEL, os).Related(other, "the operating system")
			}
		}
		for name, c := range byKey(p.Site.NodeClasses) {
			path := site.Join("nodeClasses", name)
			compare(path+".kernel", c.OS, c.Kernel, path+".os")
		}
		for m := range machines(p.Site) {
			switch {
			case m.class == nil:
			case m.node.Kernel != "" && m.node.OS != "":
				compare(m.path+".kernel", m.node.OS, m.node.Kernel, m.path+".os")
			case m.node.Kernel != "":
				compare(m.path+".kernel", m.class.OS, m.node.Kernel, site.Join("nodeClasses", m.node.Class, "os"))
			case m.node.OS != "":
				compare(m.path+".os", m.node.OS, m.class.Kernel, site.Join("nodeClasses", m.node.Class, "kernel"))
			}
		}
	},
}

// TalosBoth finds one half of Talos.
var TalosBoth = &check.Rule{
	ID: "MG2125", Name: "talos-alone", Severity: diag.Error, On: check.OnSite,
	Doc: `Kubernetes is installed by Talos on another operating system, or by another installer on Talos

Talos is both in one: it has no shell to run an installer in, and its settings are documents of its own. Files made for
the one are nothing to the other.
Source: Talos documentation, What is Talos.`,
	Run: func(p *check.Pass) {
		dist := p.Site.Kubernetes.Distribution
		compare := func(path, os string) {
			if os != "" && dist != "other" && strings.HasPrefix(os, "talos") != (dist == "talos") {
				p.Reportf(path, "operating system %s with Kubernetes by %s", os, dist).Related("kubernetes.distribution", "what installs Kubernetes").
					Hintf("os: \"talos…\" with distribution \"talos\", and no other with it")
			}
		}
		for name, c := range byKey(p.Site.NodeClasses) {
			compare(site.Join("nodeClasses", name, "os"), c.OS)
		}
		for m := range machines(p.Site) {
			compare(m.path+".os", m.node.OS)
		}
	},
}
