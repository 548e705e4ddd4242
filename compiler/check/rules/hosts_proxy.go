package rules

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/profile"
)

// KubeProxyDeprecated finds a mode of kube-proxy that is on its way out.
var KubeProxyDeprecated = &check.Rule{
	ID: "MG2110", Name: "kube-proxy-deprecated", Severity: diag.Warning, On: check.OnSite,
	Doc: `kube-proxy runs in a mode that is deprecated in this release of Kubernetes

Mode ipvs gets no more work upstream. It schedules answers to outgoing connections whose source port is a node port to
that Service: they time out, now and then, on any node.
Source: kubernetes/enhancements KEP-5495; kubernetes issue 139276.`,
	Run: func(p *check.Pass) {
		k := p.Site.Kubernetes
		m := p.Profiles.Kubernetes().KubeProxyModes[k.KubeProxy.Mode]
		nft := p.Profiles.Kubernetes().KubeProxyModes["nftables"]
		if m != nil && nft != nil && m.Deprecated != "" && profile.AtLeast(k.Version, m.Deprecated) {
			p.Reportf("kubernetes.kubeProxy.mode", "kube-proxy mode %s is deprecated since Kubernetes %s, and the site runs %s", k.KubeProxy.Mode, m.Deprecated, k.Version).
				Related("kubernetes.version", "the release of Kubernetes").
				Hintf("write nftables, or iptables on kernels before %s", nft.Kernel)
		}
	},
}

// KubeProxyRelease finds a mode of kube-proxy that the release of Kubernetes does not have.
var KubeProxyRelease = &check.Rule{
	ID: "MG2111", Name: "kube-proxy-release", Severity: diag.Error, On: check.OnSite,
	Doc: `kube-proxy runs in a mode that this release of Kubernetes does not have, or not for good

Where the mode is behind a feature gate that is off, kube-proxy stops at its start: no Service has an address that works.
Between beta and stable it is a warning.
Source: kubernetes pkg/features/kube_features.go, NFTablesProxyMode.`,
	Run: func(p *check.Pass) {
		k := p.Site.Kubernetes
		m := p.Profiles.Kubernetes().KubeProxyModes[k.KubeProxy.Mode]
		if _, err := profile.ParseVersion(k.Version); m == nil || err != nil {
			return
		}
		switch {
		case !profile.AtLeast(k.Version, m.Beta):
			p.Reportf("kubernetes.kubeProxy.mode", "kube-proxy mode %s is off by default before Kubernetes %s, and the site runs %s", k.KubeProxy.Mode, m.Beta, k.Version).
				Related("kubernetes.version", "the release of Kubernetes").Hintf("write iptables")
		case !profile.AtLeast(k.Version, m.Stable):
			p.Reportf("kubernetes.kubeProxy.mode", "kube-proxy mode %s is beta before Kubernetes %s, and the site runs %s", k.KubeProxy.Mode, m.Stable, k.Version).Hintf("mode: \"iptables\", or Kubernetes %s", m.Stable).
				Related("kubernetes.version", "the release of Kubernetes").Warning()
		}
	},
}

// KubeProxyReplaced finds a site without kube-proxy whose pod network does not do its work.
var KubeProxyReplaced = &check.Rule{
	ID: "MG2112", Name: "kube-proxy-replaced", Severity: diag.Error, On: check.OnSite,
	Doc: `kube-proxy is replaced, and the pod network cannot do its work

Nothing translates Service addresses: no pod reaches DNS or the API server.
Source: documentation of the pod networks.`,
	Run: func(p *check.Pass) {
		k := p.Site.Kubernetes
		c := p.Profiles.CNI(k.CNI.Kind)
		if k.KubeProxy.Mode != "replaced" || c == nil || c.ReplacesKubeProxy {
			return
		}
		able := slices.DeleteFunc(p.Profiles.CNIs(), func(name string) bool { return !p.Profiles.CNI(name).ReplacesKubeProxy })
		p.Reportf("kubernetes.kubeProxy.mode", "kube-proxy is replaced, and the pod network %s translates no Service addresses", k.CNI.Kind).
			Related("kubernetes.cni.kind", "the pod network").Hintf("pod networks that do: %s", strings.Join(able, ", "))
	},
}
