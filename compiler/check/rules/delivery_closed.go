package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
)

// AirGappedBundle finds a closed site whose Gateway API would come from the Internet.
var AirGappedBundle = &check.Rule{
	ID: "MG8240", Name: "air-gapped-bundle", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `Argo CD or Flux is to fetch the kinds of the Gateway API on a closed site

Both take the bundle from where its project publishes it, a repository on the Internet: it never arrives, and what waits
for its kinds waits for good. By kustomize it is a file beside the tree, which the list of copies (MIRROR.md) names.
Source: kubernetes-sigs/gateway-api, releases.`,
	Run: func(p *check.Pass) {
		d, api := p.Site.Delivery.Kind, p.Site.Kubernetes.GatewayAPI
		if !p.Site.AirGapped || api == nil || api.Version == "" || d != "argocd" && d != "flux" {
			return
		}
		p.Reportf("delivery.kind", "the site is closed, and delivery by %s takes the bundle of the Gateway API %s from the Internet", d, api.Version).
			Related("airGapped", "closed").Related("kubernetes.gatewayAPI", "the bundle").Hintf(`kind: "kustomize"`)
	},
}

// OpenELBPullSecret finds credentials of a registry that OpenELB does not show.
var OpenELBPullSecret = &check.Rule{
	ID: "MG5256", Name: "openelb-pull-secret", Severity: diag.Warning, On: check.OnSite,
	Doc: `the registry asks for credentials, and OpenELB's chart has no place for them

Its values know imagePullSecrets and none of its templates reads them: the pods start only where the container runtime of the
nodes has credentials of its own.
Source: openelb/openelb v0.6.0 charts/templates: _image.tpl defines the lists, and no pod includes them; read on 2026-11-21.`,
	Run: func(p *check.Pass) {
		r := p.Site.Registry
		if p.Site.LoadBalancer.Kind != "openelb" || r == nil || r.Images == "" || r.PullSecret == "" {
			return
		}
		p.Reportf("registry.pullSecret", "pods of OpenELB do not show Secret %q to registry %s: its chart has no place for it", r.PullSecret, r.Images).
			Related("loadBalancer.kind", "the load balancer").Hintf("give the container runtime of the nodes the registry's credentials")
	},
}
