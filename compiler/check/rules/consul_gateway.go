package rules

import (
	"maps"
	"slices"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// consulCertificates are the places where gateways of clients name Secrets with certificates, by the name of the Secret and
// the gateway.
func consulCertificates(s *site.Site) map[string]map[string]string {
	out := map[string]map[string]string{}
	for gn, g := range byKey(s.Gateways) {
		if g.Purpose == "federation" {
			continue
		}
		for ln, l := range byKey(g.Listeners) {
			if l.TLS == nil || l.TLS.Secret == "" {
				continue
			}
			if out[l.TLS.Secret] == nil {
				out[l.TLS.Secret] = map[string]string{}
			}
			if out[l.TLS.Secret][gn] == "" {
				out[l.TLS.Secret][gn] = site.Join("gateways", gn, "listeners", ln, "tls", "secret")
			}
		}
	}
	return out
}

// ConsulCertificate finds Secrets of two gateways that are one certificate to Consul.
var ConsulCertificate = &check.Rule{
	ID: "MG5585", Name: "consul-certificate", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `two gateways of Consul have Secrets of one name

Each gateway has its Secrets in a namespace of its own. The controller writes one entry for each name, without a namespace, which
says in which file the pods have it: the last one to be written holds, and the pods of the other gateway have no such file.
Source: hashicorp/consul-k8s v2.0.3 control-plane/api-gateway/common/translation.go ToFileSystemCertificate.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "consul" {
			return
		}
		for name, at := range byKey(consulCertificates(p.Site)) {
			all := slices.Sorted(maps.Keys(at))
			for _, gn := range all[1:] {
				p.Reportf(at[gn], "gateway %q has a Secret %q, and so has gateway %q: Consul knows one certificate of that name", gn, name, all[0]).
					Related(at[all[0]], "the other one").Hintf("a name for each gateway")
			}
		}
	},
}

// ConsulSharedCertificate finds Secrets of two datacenters that are one certificate to a federation.
var ConsulSharedCertificate = &check.Rule{
	ID: "MG5586", Name: "consul-shared-certificate", Severity: diag.Error, On: check.OnFleet,
	Doc: `gateways of two datacenters of a federation have Secrets of one name

Entries of certificates are one for all datacenters, and each controller writes its own over the other's, again and again.
Source: hashicorp/consul-k8s v2.0.3 control-plane/api-gateway/cache/consul.go updateAndNotify (competing controllers), Write;
common/translation.go ToFileSystemCertificate.`,
	Run: func(p *check.Pass) {
		first := map[string]int{}
		for n, s := range p.Fleet {
			if !isDatacenter(s) {
				continue
			}
			for name, at := range byKey(consulCertificates(s)) {
				key := s.Federation.Consul.Primary + "/" + name
				other, ok := first[key]
				if !ok {
					first[key] = n
					continue
				}
				for gn := range byKey(at) {
					there := consulCertificates(p.Fleet[other])[name]
					p.ReportIn(n, at[gn], "gateway %q has a Secret %q, and so has one of site %s: in a federation of datacenters they are one", gn, name, p.Fleet[other].Name).
						RelatedIn(other, there[slices.Min(slices.Collect(maps.Keys(there)))], "the Secret there").Hintf("a name for each site")
				}
			}
		}
	},
}
