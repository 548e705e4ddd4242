package rules

import (
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// hostRules are the rules about machines and their kernels.
var hostRules = []*check.Rule{
	HugePagesMemory, ProtectKernelUnread,
	UnknownNodeClass,
	UnknownOS,
	KernelSkew,
	KernelGate,
	PodDensity,
	CapacityOverMaxPods,
	ProxyMemoryRequests,
	ProxyMemoryLimits,
	ConntrackLimit,
	ConntrackMemory,
	ConnectionTable,
	NodePortsRange,
	NodePortsListener,
	NodePortsEphemeral,
	NodePortsFew,
	KubeProxyDeprecated,
	KubeProxyRelease,
	KubeProxyReplaced,
	NoControlPlane,
	ControlPlaneCount,
	ControlPlaneTogether,
	NoWorker,
	UnusedClass,
	TaintTwice,
	DerivedLabel,
	ControlPlaneLabel,
	MachineSize,
	BondMembers,
	BondHoming,
	KernelOfOS,
	TalosBoth,
}

// UnknownNodeClass finds a node of a class that does not exist.
var UnknownNodeClass = &check.Rule{
	ID: "MG2001", Name: "unknown-node-class", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a node is of a class that does not exist

Its kernel, memory and taints are unknown, so none of its files can be written.`,
	Run: func(p *check.Pass) {
		for rn, r := range byKey(p.Site.Racks) {
			for nn, n := range byKey(r.Nodes) {
				if p.Site.NodeClasses[n.Class] == nil {
					p.Reportf(site.Join("racks", rn, "nodes", nn, "class"), "node %q is of class %q, which does not exist", nn, n.Class).
						Hintf("classes: %s", keys(p.Site.NodeClasses))
				}
			}
		}
	},
}

// UnknownOS finds an operating system that no profile describes.
var UnknownOS = &check.Rule{
	ID: "MG2002", Name: "unknown-os", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `no profile describes the operating system

Where its daemons read their files from, and which version of them it ships, would be a guess.`,
	Run: func(p *check.Pass) {
		unknown := func(path, os string) {
			if os != "" && p.Profiles.OS(os) == nil {
				p.Reportf(path, "not supported yet: operating system %q, which no profile describes", os).
					Hintf("known: %s", strings.Join(p.Profiles.OSes(), ", "))
			}
		}
		for name, c := range byKey(p.Site.NodeClasses) {
			unknown(site.Join("nodeClasses", name, "os"), c.OS)
		}
		for rn, r := range byKey(p.Site.Racks) {
			for nn, n := range byKey(r.Nodes) {
				unknown(site.Join("racks", rn, "nodes", nn, "os"), n.OS)
			}
		}
	},
}

// KernelSkew finds a machine that runs another kernel than its class.
var KernelSkew = &check.Rule{
	ID: "MG2003", Name: "kernel-skew", Severity: diag.Warning, On: check.OnSite,
	Doc: `a node runs another kernel line than its class

What was tried on one kernel holds for that kernel: the proxy's redirection, kube-proxy's mode and the sysctls differ by
it, and a fault shows only when a pod lands on the odd machine.`,
	Run: func(p *check.Pass) {
		for rn, r := range byKey(p.Site.Racks) {
			for nn, n := range byKey(r.Nodes) {
				class := p.Site.NodeClasses[n.Class]
				if class == nil || n.Kernel == "" || kernelLine(n.Kernel) == kernelLine(class.Kernel) {
					continue
				}
				p.Reportf(site.Join("racks", rn, "nodes", nn, "kernel"), "node %q runs kernel %s, its class %q runs %s", nn, n.Kernel, n.Class, class.Kernel).
					Related(site.Join("nodeClasses", n.Class, "kernel"), "the kernel of the class")
			}
		}
	},
}

// kernelLine is the first two numbers of a kernel release: "6.1" of "6.1.0-28-amd64".
func kernelLine(release string) string {
	parts := strings.SplitN(release, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}
