package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// HugePagesMemory finds huge pages that leave a machine too little.
var HugePagesMemory = &check.Rule{
	ID: "MG2127", Name: "huge-pages-memory", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `huge pages take more than half of a machine's memory

What is set aside serves only pods that ask for it by size: the kubelet, the proxies and every other pod share the rest.
More than the machine has is cut short by the kernel without a word.
Source: Linux, Documentation/admin-guide/mm/hugetlbpage.rst, nr_hugepages.`,
	Run: func(p *check.Pass) {
		for name, c := range byKey(p.Site.NodeClasses) {
			h := c.HugePages
			if h == nil {
				continue
			}
			taken, memory := site.ParseQuantity(h.Size)*int64(h.Count), site.ParseQuantity(c.Memory)
			if 2*taken > memory {
				p.Reportf(site.Join("nodeClasses", name, "hugePages"), "%d huge pages of %s are more than half of the %s that machines of class %q have", h.Count, h.Size, c.Memory, name).
					Related(site.Join("nodeClasses", name, "memory"), "the memory").Hintf("count: %d", memory/site.ParseQuantity(h.Size)/4)
			}
		}
	},
}

// ProtectKernelUnread finds protectKernelDefaults where no file of ours reaches the kubelet.
var ProtectKernelUnread = &check.Rule{
	ID: "MG2128", Name: "protect-kernel-unread", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a class asks for protectKernelDefaults, and its kubelet takes no such setting from meshgen

k3s and rke2 have a flag of their own for it, which is not written yet. Talos always runs its kubelet so, has the settings
from its own defaults and refuses the option in a machine configuration.
Source: siderolabs/talos internal/app/machined/pkg/controllers/k8s/kubelet_spec.go, pkg/machinery/kubelet/kubelet.go.`,
	Run: func(p *check.Pass) {
		dist := p.Profiles.Distribution(p.Site.Kubernetes.Distribution)
		for name, c := range byKey(p.Site.NodeClasses) {
			if c.ProtectKernelDefaults && (dist == nil || dist.Kubelet.ConfigDir == "") {
				p.Reportf(site.Join("nodeClasses", name, "protectKernelDefaults"), "not supported yet: protectKernelDefaults with distribution %q", p.Site.Kubernetes.Distribution).
					Related("kubernetes.distribution", "the distribution").Hintf("leave it out")
			}
		}
	},
}
