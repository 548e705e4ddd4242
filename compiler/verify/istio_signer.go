package verify

import (
	"maps"
	"slices"
	"strings"
)

// signerChart is that of the program by which cert-manager signs for workloads of Istio.
const signerChart = "cert-manager-istio-csr"

// checkSigner holds istio-csr and the control plane to each other: it signs for proxies that name the cluster and the trust
// domain that it knows, and they ask at the address that its own certificate is for.
func (p *pass) checkSigner() {
	istiods := p.istiods()
	for _, name := range slices.Sorted(maps.Keys(p.values)) {
		chart := p.releases.Charts[name]
		if chart.Name != signerChart {
			continue
		}
		v := p.values[name]
		host := name + "." + chart.Namespace + ".svc"
		if !slices.Contains(strs(v.value, "app", "tls", "certificateDNSNames"), host) {
			v.report(p, ruleIstio, fieldPath{"app", "tls", "certificateDNSNames"}, "proxies ask at %s, which its certificate is not for", host)
		}
		p.checkSignerIssuer(v)
		p.checkSignerRoot(v)
		for _, d := range istiods {
			p.checkSigned(v, d, host)
		}
		for _, other := range slices.Sorted(maps.Keys(p.values)) {
			z := p.releases.Charts[other]
			if z.Name != "ztunnel" {
				continue
			}
			if account := z.Namespace + "/" + other; str(v.value, "app", "server", "caTrustedNodeAccounts") != account {
				v.report(p, ruleIstio, fieldPath{"app", "server", "caTrustedNodeAccounts"}, "ztunnel is %s: it would get no certificate", account)
			}
			if got := str(p.values[other].value, "caAddress"); got != host+":443" {
				p.values[other].report(p, ruleIstio, fieldPath{"caAddress"}, "%q, and who signs is at %s:443", got, host)
			}
		}
	}
}

// checkSigned: a control plane that leaves signing to it.
func (p *pass) checkSigned(v, istiod *values, host string) {
	if got := str(istiod.value, "global", "caAddress"); got != host+":443" {
		istiod.report(p, ruleIstio, fieldPath{"global", "caAddress"}, "%q, and who signs is at %s:443", got, host)
	}
	if str(istiod.value, "env", "ENABLE_CA_SERVER") != "false" {
		istiod.report(p, ruleIstio, fieldPath{"env", "ENABLE_CA_SERVER"}, "istiod would sign too, under a root of its own")
	}
	if a, b := str(v.value, "app", "tls", "trustDomain"), str(istiod.value, "meshConfig", "trustDomain"); a != b {
		v.report(p, ruleIstio, fieldPath{"app", "tls", "trustDomain"}, "%q, and the mesh's is %q", a, b)
	}
	if a, b := str(v.value, "app", "server", "clusterID"), str(istiod.value, "global", "multiCluster", "clusterName"); a != b {
		v.report(p, ruleIstio, fieldPath{"app", "server", "clusterID"}, "%q, and proxies say that they are of %q", a, b)
	}
	namespace := p.releases.Charts[istiod.release].Namespace
	cert := p.find("cert-manager.io", "Certificate", namespace, "istiod")
	if cert == nil {
		istiod.report(p, ruleIstio, nil, "there is no Certificate %s/istiod", namespace)
		return
	}
	name := strings.TrimSuffix("istiod-"+str(istiod.value, "revision"), "-") + "." + namespace + ".svc"
	if !slices.Contains(strs(cert.value, "spec", "dnsNames"), name) {
		cert.report(p, ruleIstio, fieldPath{"spec", "dnsNames"}, "%s is not among them, which proxies connect to", name)
	}
}

func (p *pass) checkSignerIssuer(v *values) {
	at := fieldPath{"app", "certmanager", "issuer"}
	namespace, name := str(v.value, "app", "certmanager", "namespace"), str(v.value, "app", "certmanager", "issuer", "name")
	if p.find("cert-manager.io", "Issuer", namespace, name) == nil {
		v.report(p, ruleIstio, at.to("name"), "there is no Issuer %s/%s", namespace, name)
	}
}

func (p *pass) checkSignerRoot(v *values) {
	file := str(v.value, "app", "tls", "rootCAFile")
	mounted := slices.ContainsFunc(list(v.value, "volumeMounts"), func(m any) bool {
		return strings.HasPrefix(file, str(m, "mountPath")+"/") && slices.ContainsFunc(list(v.value, "volumes"), func(o any) bool {
			return str(o, "name") == str(m, "name") && str(o, "configMap", "name") != ""
		})
	})
	if !mounted {
		v.report(p, ruleIstio, fieldPath{"app", "tls", "rootCAFile"}, "%q is in no ConfigMap that is mounted", file)
	}
}
