package rules

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// GatewayAPIWindow finds a bundle of the Gateway API that the mesh or a gateway program does not accept.
var GatewayAPIWindow = &check.Rule{
	ID: "MG5202", Name: "gateway-api-outside-window", Severity: diag.Error, On: check.OnSite,
	Doc: `the release of the Gateway API lies outside the window of the mesh or of a gateway program

Its controllers ignore objects with fields that they do not know, or watch versions of kinds that are not served: routes
are accepted by the API server and nothing follows, without an event.
Source: linkerd.io features/gateway-api; Cilium 1.20 upgrade notes; Envoy Gateway compatibility matrix.`,
	Run: func(p *check.Pass) {
		api := p.Site.Kubernetes.GatewayAPI
		all := parties(p)
		if _, _, torn := apart(all, onGatewayAPI); api == nil || torn {
			return // gateway-api-missing or no-common-window says so
		}
		for _, a := range all {
			w, ok := a.accepts[onGatewayAPI]
			if !ok || w.Contains(mainline(api.Version)) {
				continue
			}
			r := p.Reportf("kubernetes.gatewayAPI.version", "Gateway API %s is outside the window of %s: %s", api.Version, a, w).Related(a.path, "its release")
			if fit := fitting(a, onGatewayAPI, mainline(api.Version)); fit != "" {
				r.Hintf("releases of %s that take it: %s; or Gateway API %s, which suits all", a.product, fit, suitsAll(all, onGatewayAPI))
			} else {
				r.Hintf("Gateway API %s suits all", suitsAll(all, onGatewayAPI))
			}
		}
	},
}

// routeNeed is a listener that only routes of a certain kind can serve.
type routeNeed struct {
	kind, path, listener string
	program              *site.Implementation // of its gateway; nil: the mesh's own
}

// routeNeeds are the listeners of gateways with frontend "gateway-api" that HTTPRoute cannot serve.
func routeNeeds(s *site.Site) []routeNeed {
	var out []routeNeed
	for gn, g := range byKey(s.Gateways) {
		if g.Frontend != "gateway-api" {
			continue
		}
		for ln, li := range byKey(g.Listeners) {
			n := routeNeed{listener: gn + "/" + ln, path: site.Join("gateways", gn, "listeners", ln), program: g.Implementation}
			switch {
			case li.TLS != nil && li.TLS.Mode == "passthrough":
				n.kind = "TLSRoute"
			case li.Protocol == "tcp" || li.Protocol == "tls":
				n.kind = "TCPRoute"
			case li.Protocol == "udp":
				n.kind = "UDPRoute"
			default:
				continue
			}
			out = append(out, n)
		}
	}
	return out
}

// RouteKindIgnored finds a kind of route that the mesh does not watch in the cluster's bundle.
var RouteKindIgnored = &check.Rule{
	ID: "MG5204", Name: "route-kind-ignored", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the mesh ignores a kind of route of this release of the Gateway API, and a listener needs it

A mesh leaves a CRD alone whose bundle is older or newer than what it was built for: the route is stored, its status
stays empty, and the port answers nobody.
Source: istio/istio pkg/config/schema/gatewayapi/minimumversions.go; release-1.29 pkg/kube/kclient/crdwatcher.go.`,
	Run: func(p *check.Pass) {
		api, m := p.Site.Kubernetes.GatewayAPI, p.Profiles.Mesh(p.Site.Mesh.Kind)
		if api == nil || m == nil {
			return
		}
		bundle := mainline(api.Version)
		served := p.Profiles.Kubernetes().GatewayAPIRelease(bundle)
		releases := map[string]string{"mesh.version": p.Site.Mesh.Version}
		if u := p.Site.Mesh.Upgrade; u != nil && u.To != p.Site.Mesh.Version {
			releases["mesh.upgrade.to"] = u.To
		}
		for path, version := range byKey(releases) {
			row := m.Release(mainline(version))
			if row == nil {
				continue
			}
			for _, n := range routeNeeds(p.Site) {
				if n.program != nil || row.GatewayAPI.Watches(n.kind, bundle) ||
					served != nil && len(served.Routes[n.kind].Of(api.Channel)) == 0 { // route-kind-not-served says so
					continue
				}
				r := p.Reportf(n.path, "listener %s needs %s, which %s %s ignores of Gateway API %s", n.listener, n.kind, p.Site.Mesh.Kind, version, api.Version).
					Related("kubernetes.gatewayAPI.version", "the bundle").Related(path, "the release of the mesh")
				if floor := row.GatewayAPI.Minimum[n.kind]; floor != "" && !profile.AtLeast(bundle, floor) {
					r.Hintf("it watches %s from Gateway API %s on", n.kind, floor)
				} else {
					r.Hintf("it watches %s up to Gateway API %s; or a newer release of the mesh", n.kind, row.GatewayAPI.Maximum[n.kind])
				}
			}
		}
	},
}

// RouteKindNotServed finds a kind of route that the cluster's bundle and channel do not serve.
var RouteKindNotServed = &check.Rule{
	ID: "MG5205", Name: "route-kind-not-served", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a listener needs a kind of route that this release and channel of the Gateway API do not serve

The API server refuses the object: "no matches for kind". TLSRoute is in the standard channel from 1.5, TCPRoute and
UDPRoute from 1.6; a mesh that reads only v1alpha2 needs the experimental channel, since standard serves it no more.
Source: kubernetes-sigs/gateway-api config/crd of 1.2.1, 1.4.1, 1.5.1 and 1.6.3.`,
	Run: func(p *check.Pass) {
		api := p.Site.Kubernetes.GatewayAPI
		if api == nil {
			return
		}
		k := p.Profiles.Kubernetes()
		row := k.GatewayAPIRelease(mainline(api.Version))
		if row == nil {
			return
		}
		for _, n := range routeNeeds(p.Site) {
			served := row.Routes[n.kind].Of(api.Channel)
			reader, wanted := routeReader(p, n)
			var r *check.Report
			switch {
			case len(served) == 0:
				r = p.Reportf(n.path, "listener %s needs %s, which Gateway API %s does not have in its %s channel", n.listener, n.kind, api.Version, api.Channel)
			case wanted != "" && !slices.Contains(served, wanted):
				r = p.Reportf(n.path, "listener %s needs %s %s, all that %s reads, and Gateway API %s serves %s in its %s channel",
					n.listener, n.kind, wanted, reader, api.Version, strings.Join(served, ", "), api.Channel)
			case wanted == "" && !slices.Contains(served, "v1"):
				r = p.Reportf(n.path, "listener %s needs %s v1, and Gateway API %s serves %s in its %s channel", n.listener, n.kind, api.Version, strings.Join(served, ", "), api.Channel)
				wanted = "v1"
			default:
				continue
			}
			r.Related("kubernetes.gatewayAPI.version", "the bundle")
			if hint := servedElsewhere(k, n.kind, wanted, api); hint != "" {
				r.Hintf("%s", hint)
			}
		}
	},
}

// routeReader names who reads the routes of a listener, and the one version of their API that it reads; "": v1.
func routeReader(p *check.Pass, n routeNeed) (reader, version string) {
	if i := n.program; i != nil {
		if r := p.Profiles.Gateway(i.Kind).Release(mainline(i.Version)); r != nil {
			version = r.Reads[n.kind]
		}
		return i.Kind + " " + i.Version, version
	}
	if r := p.Profiles.Mesh(p.Site.Mesh.Kind).Release(mainline(p.Site.Mesh.Version)); r != nil {
		version = r.GatewayAPI.Reads[n.kind]
	}
	return p.Site.Mesh.Kind + " " + p.Site.Mesh.Version, version
}

// servedElsewhere says with which bundle or channel a kind is served.
func servedElsewhere(k *profile.Kubernetes, kind, version string, api *site.GatewayAPI) string {
	has := func(line, channel string) bool {
		served := k.GatewayAPIRelease(line).Routes[kind].Of(channel)
		return len(served) > 0 && (version == "" || slices.Contains(served, version))
	}
	for _, line := range k.GatewayAPILines() {
		if profile.CompareVersions(line, mainline(api.Version)) > 0 && has(line, api.Channel) {
			return "the " + api.Channel + " channel serves it from Gateway API " + line + " on"
		}
	}
	if has(mainline(api.Version), "experimental") {
		return `channel: "experimental"`
	}
	return ""
}

// UnknownGatewayAPIRelease finds a bundle of which nothing is known.
var UnknownGatewayAPIRelease = &check.Rule{
	ID: "MG5206", Name: "unknown-gateway-api-release", Severity: diag.Warning, On: check.OnSite,
	Doc: `no profile row describes the release of the Gateway API

Which kinds it serves in which channel is not known, so the rules about routes say nothing: a route that the cluster
refuses shows only when it is applied.
Source: the bundles whose CRDs were read; they stand in the profiles.`,
	Run: func(p *check.Pass) {
		api, k := p.Site.Kubernetes.GatewayAPI, p.Profiles.Kubernetes()
		if api != nil && k.GatewayAPIRelease(mainline(api.Version)) == nil && printed("gateway-api", api.Version) { // else release-without-output says so
			p.Reportf("kubernetes.gatewayAPI.version", "no profile row describes Gateway API %s: what it serves is not checked", api.Version).
				Hintf("known: %s", strings.Join(k.GatewayAPILines(), ", "))
		}
	},
}

// ExperimentalChannel finds the experimental channel where the standard one is enough.
var ExperimentalChannel = &check.Rule{
	ID: "MG5207", Name: "experimental-channel", Severity: diag.Note, On: check.OnSite,
	Doc: `the experimental channel of the Gateway API is installed, and nothing on this site needs it

Its fields and versions may go with any release, and the way back to the standard channel is to remove the CRDs with
all their objects.
Source: gateway-api.sigs.k8s.io, release channels; ValidatingAdmissionPolicy safe-upgrades of 1.5 and later.`,
	Run: func(p *check.Pass) {
		api := p.Site.Kubernetes.GatewayAPI
		if api == nil || api.Channel != "experimental" {
			return
		}
		row := p.Profiles.Kubernetes().GatewayAPIRelease(mainline(api.Version))
		mesh := p.Profiles.Mesh(p.Site.Mesh.Kind).Release(mainline(p.Site.Mesh.Version))
		if row == nil || mesh != nil && len(mesh.GatewayAPI.Reads) > 0 {
			return // who reads v1alpha2 alone may need it for more than gateways
		}
		for _, n := range routeNeeds(p.Site) {
			if len(row.Routes[n.kind].Standard) == 0 {
				return
			}
		}
		p.Reportf("kubernetes.gatewayAPI.channel", "the experimental channel of Gateway API %s serves nothing that this site needs beyond standard", api.Version).
			Hintf(`channel: "standard"`)
	},
}
