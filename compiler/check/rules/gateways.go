package rules

import (
	"maps"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// gatewayRules are the rules about gateways and egress.
var gatewayRules = []*check.Rule{
	UnknownPool,
	VIPOutsidePool,
	GatewayClass,
	GatewayNowhere,
	SourceRangesLocal,
	ListenerTLS,
	GatewayEOL,
	GatewayAPIMissing,
	GatewayOneRack,
	GatewayUneven,
	GatewaySingleReplica,
	GatewayUnschedulable,
	GatewayNotAnnounced,
	GatewayCapacityLost,
	ClusterHidesClients,
	GatewayNoListeners,
	GatewayUnused,
	ListenerUnused,
	RedirectNowhere,
	ListenerClear,
	ListenerTLSMode,
	ListenerUDP,
	SourceRangesFamily,
	SourceRangesBehindBalancer,
	GatewayProgram,
	GatewayProgramNeedless,
	GatewayRelease,
	GatewayTwoReleases,
	UnknownEgressGateway,
	EgressNowhere,
	EgressProvider,
	EgressUnderlay,
	EgressTwoWays,
	EgressNameShared,
	EgressCalicoLicence,
	EgressAddress,
	EgressAddressTwice,
	EgressUnused,
	EgressOneNode,
	ExternalNoDestination,
	ExternalWildcard,
	ExternalPortTwice,
	ExternalHostTwice,
	ViaNeedsAddresses,
	ExternalUnused,
	ExposureUnknown,
	ExposurePorts,
	ExposureOutsidePool,
	ExposureNoPods,
	ExposureStrict,
	ExposureToken,
	ExposureUncounted,
	ExposureElsewhere,
	ExposureNameTaken,
}

// keys lists the names that a map has, for hints.
func keys[V any](m map[string]V) string {
	return strings.Join(slices.Sorted(maps.Keys(m)), ", ")
}

// UnknownPool finds a gateway on a pool that does not exist.
var UnknownPool = &check.Rule{
	ID: "MG6001", Name: "unknown-pool", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a gateway names a pool that does not exist

Its Service would wait for an address forever.`,
	Run: func(p *check.Pass) {
		for gn, g := range byKey(p.Site.Gateways) {
			if p.Site.Pools[g.Pool] == nil {
				p.Reportf(site.Join("gateways", gn, "pool"), "gateway %q takes its address from pool %q, which does not exist", gn, g.Pool).
					Hintf("pools: %s", keys(p.Site.Pools))
			}
		}
	},
}

// GatewayClass finds a gateway placed on a class that does not exist.
var GatewayClass = &check.Rule{
	ID: "MG6003", Name: "unknown-placement-class", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a gateway is placed on a node class that does not exist

Its pods would never be scheduled.`,
	Run: func(p *check.Pass) {
		for gn, g := range byKey(p.Site.Gateways) {
			if p.Site.NodeClasses[g.Placement.Class] == nil {
				p.Reportf(site.Join("gateways", gn, "placement", "class"), "gateway %q is placed on class %q, which does not exist", gn, g.Placement.Class).
					Hintf("classes: %s", keys(p.Site.NodeClasses))
			}
		}
	},
}

// GatewayNowhere finds a gateway that may run nowhere.
var GatewayNowhere = &check.Rule{
	ID: "MG6004", Name: "gateway-nowhere", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `no rack both announces the gateway's pool and has nodes of its class

Placement follows announcement: a pod where nobody announces its address never sees a packet with
externalTrafficPolicy Local, and with no such rack at all there is no place for it.`,
	Run: func(p *check.Pass) {
		for gn, g := range byKey(p.Site.Gateways) {
			pool := p.Site.Pools[g.Pool]
			if pool == nil || p.Site.NodeClasses[g.Placement.Class] == nil {
				continue
			}
			found := false
			for rn, r := range p.Site.Racks {
				if a := pool.Announce; a != nil && a.Protocol == "bgp" &&
					(!rackAnnounces(p.Site, rn) || len(a.Racks) > 0 && !slices.Contains(a.Racks, rn)) {
					continue
				}
				for _, n := range r.Nodes {
					found = found || n.Class == g.Placement.Class
				}
			}
			if !found {
				p.Reportf(site.Join("gateways", gn, "placement", "class"), "gateway %q may run nowhere: no rack that announces pool %q has a node of class %q",
					gn, g.Pool, g.Placement.Class).Related(site.Join("pools", g.Pool), "the pool").
					Hintf("a class that has nodes in such a rack")
			}
		}
	},
}

// SourceRangesLocal finds a filter by client address that never sees the client's address.
var SourceRangesLocal = &check.Rule{
	ID: "MG6005", Name: "source-ranges-need-local", Severity: diag.Error, On: check.OnSite,
	Doc: `a gateway filters by source address under externalTrafficPolicy Cluster

A second hop replaces the client's address by a node's: the filter then admits everybody or nobody.`,
	Run: func(p *check.Pass) {
		for gn, g := range byKey(p.Site.Gateways) {
			if len(g.SourceRanges) > 0 && g.ExternalTrafficPolicy != "Local" {
				p.Reportf(site.Join("gateways", gn, "sourceRanges"), "gateway %q filters by source address, and externalTrafficPolicy %s hides it", gn, g.ExternalTrafficPolicy).
					Hintf("externalTrafficPolicy: \"Local\"").Related(site.Join("gateways", gn, "externalTrafficPolicy"), "the policy")
			}
		}
	},
}

// ListenerTLS finds a listener whose TLS cannot be what it says.
var ListenerTLS = &check.Rule{
	ID: "MG6006", Name: "listener-tls", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a listener's protocol and its TLS do not fit together

HTTPS needs a certificate from an issuer or a Secret, one of the two; client certificates need the authority that
signs them; a listener in the clear has none of it, and only that one can redirect.`,
	Run: func(p *check.Pass) {
		for gn, g := range byKey(p.Site.Gateways) {
			type place struct {
				port int
				over string
			}
			ports := map[place]string{}
			for ln, li := range byKey(g.Listeners) {
				path := site.Join("gateways", gn, "listeners", ln)
				who := "listener " + gn + "/" + ln
				at := place{li.Port, transport(li.Protocol)}
				if other, ok := ports[at]; ok {
					p.Reportf(path+".port", "%s is on port %d, which listener %q has already", who, li.Port, other).Hintf("another port for one of the two; hosts and paths may share a listener").
						Related(site.Join("gateways", gn, "listeners", other, "port"), "first used here")
				}
				ports[at] = ln
				switch {
				case li.Protocol == "https" && li.TLS == nil:
					p.Reportf(path, "%s speaks https and has no tls", who).Hintf("tls: {mode: \"terminate\", issuer: …}")
				case li.Protocol == "http" && li.TLS != nil:
					p.Reportf(path+".tls", "%s speaks http, in the clear, and has tls", who).Hintf("protocol: \"https\"")
				case li.RedirectToHTTPS && li.Protocol != "http":
					p.Reportf(path+".redirectToHTTPS", "%s speaks %s and redirects to https", who, li.Protocol).
						Hintf("leave redirectToHTTPS out")
				}
				if t := li.TLS; t != nil {
					listenerCertificate(p, path+".tls", who, t)
				}
			}
		}
	},
}

func listenerCertificate(p *check.Pass, path, who string, t *site.TLS) {
	ends := t.Mode == "terminate" || t.Mode == "mutual"
	switch {
	case ends && t.Issuer == "" && t.Secret == "":
		p.Reportf(path, "%s ends TLS and names neither an issuer nor a secret", who).Hintf("issuer: …, a ClusterIssuer of cert-manager; or secret: …")
	case ends && t.Issuer != "" && t.Secret != "":
		p.Reportf(path, "%s names both an issuer and a secret: which certificate is meant?", who).Hintf("issuer alone, where cert-manager makes the certificate; secret alone where somebody else does")
	case t.Mode == "mutual" && t.ClientCA == "":
		p.Reportf(path, "%s asks clients for certificates and names no clientCA", who).Hintf("clientCA: …, the Secret with the authority of the clients' certificates; or mode: \"terminate\"")
	case t.Mode != "mutual" && t.ClientCA != "":
		p.Reportf(path+".clientCA", "%s names a clientCA, and mode %s asks nobody for a certificate", who, t.Mode).Hintf("mode: \"mutual\"")
	}
}

// frontendTLS is the first Gateway API release whose Gateway can ask clients for certificates on the standard channel
// (spec.tls.frontend; read in the bundles of 1.4.1 and 1.5.1).
const frontendTLS = "1.5.0"

// GatewayAPIMissing finds a gateway whose API the cluster does not have, or not whole.
var GatewayAPIMissing = &check.Rule{
	ID: "MG6008", Name: "gateway-api-missing", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a gateway's frontend is the Gateway API, and the cluster's release of it is missing or too old

Without the CRDs the objects are refused; where a field is missing, it is dropped without a word.`,
	Run: func(p *check.Pass) {
		api := p.Site.Kubernetes.GatewayAPI
		for gn, g := range byKey(p.Site.Gateways) {
			ours := g.Frontend == "gateway-api"
			if g.Purpose == "federation" { // it has no routes, and is what its mesh makes of it
				ours = p.Site.Mesh.Kind == "istio-ambient"
			}
			if !ours {
				continue
			}
			if api == nil {
				gatewayAPIToGive(p, p.Reportf(site.Join("gateways", gn, "frontend"), "the frontend of gateway %q is the Gateway API, and kubernetes.gatewayAPI is not given", gn))
				continue
			}
			for ln, li := range byKey(g.Listeners) {
				if li.TLS != nil && li.TLS.Mode == "mutual" && !profile.AtLeast(api.Version, frontendTLS) {
					p.Reportf(site.Join("gateways", gn, "listeners", ln, "tls", "mode"), "listener %s/%s asks clients for certificates, which Gateway API %s cannot", gn, ln, api.Version).
						Hintf("Gateway API %s or later, or frontend \"istio\"", frontendTLS).Related("kubernetes.gatewayAPI.version", "the release")
				}
			}
		}
	},
}
