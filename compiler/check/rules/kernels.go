package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// KernelGate finds a kernel that is too old for what must run on it.
var KernelGate = &check.Rule{
	ID: "MG2004", Name: "kernel-gate", Severity: diag.Error, On: check.OnSite,
	Doc: `a kernel is too old for kube-proxy's mode, the pod network or the mesh

kube-proxy in nftables mode stops at its start below Linux 5.13, and a pod network whose floor is not met leaves the
node without pods. The floors, and the vendor kernels that carry what older mainline lacks, stand in the profiles.`,
	Run: func(p *check.Pass) {
		floors := kernelFloors(p)
		for name, c := range byKey(p.Site.NodeClasses) {
			checkKernel(p, floors, site.Join("nodeClasses", name, "kernel"), c.Kernel)
		}
		for rn, r := range byKey(p.Site.Racks) {
			for nn, n := range byKey(r.Nodes) {
				if n.Kernel != "" {
					checkKernel(p, floors, site.Join("racks", rn, "nodes", nn, "kernel"), n.Kernel)
				}
			}
		}
	},
}

// kernelFloor is what asks for a kernel, and where the site says so.
type kernelFloor struct {
	profile.KernelFloor
	who, path string
}

func kernelFloors(p *check.Pass) []kernelFloor {
	var out []kernelFloor
	mode := p.Site.Kubernetes.KubeProxy.Mode
	if m := p.Profiles.Kubernetes().KubeProxyModes[mode]; m != nil && m.Kernel != "" {
		out = append(out, kernelFloor{profile.KernelFloor{Min: m.Kernel}, "kube-proxy in mode " + mode, "kubernetes.kubeProxy.mode"})
	}
	kind := p.Site.Kubernetes.CNI.Kind
	if c := p.Profiles.CNI(kind); c != nil && c.Kernel.Min != "" {
		out = append(out, kernelFloor{c.Kernel, "the pod network " + kind, "kubernetes.cni.kind"})
	}
	if m := p.Profiles.Mesh(p.Site.Mesh.Kind); m != nil && m.Kernels[p.Site.Mesh.Encrypts()] != "" {
		by := "mesh.kind"
		if p.Site.Mesh.Encryption != nil {
			by = "mesh.encryption.kind"
		}
		out = append(out, kernelFloor{profile.KernelFloor{Min: m.Kernels[p.Site.Mesh.Encrypts()]}, "encryption by " + p.Site.Mesh.Encrypts(), by})
	}
	// A mesh that is a part of its pod network has the same floor, and one finding is enough.
	kind = p.Site.Mesh.Kind
	if m := p.Profiles.Mesh(kind); m != nil && m.Kernel.Min != "" && m.CNI != p.Site.Kubernetes.CNI.Kind {
		out = append(out, kernelFloor{m.Kernel, "the mesh " + kind, "mesh.kind"})
	}
	return out
}

func checkKernel(p *check.Pass, floors []kernelFloor, path, release string) {
	k, err := profile.ParseKernel(release)
	if err != nil {
		return // the schema has refused the form
	}
	for _, f := range floors {
		if !f.Met(k) {
			p.Reportf(path, "kernel %s is too old for %s, which needs %s or later", release, f.who, f.Min).Hintf("a kernel of %s or later, or do without %s", f.Min, f.who).
				Related(f.path, "what asks for it")
		}
	}
}
