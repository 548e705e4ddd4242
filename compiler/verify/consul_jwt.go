package verify

import (
	"net/url"
	"slices"
)

// checkConsulProvider checks where proxies fetch the keys of an issuer: by https, from a server whose certificate somebody
// signed that they trust, in a time that is more than none (the servers cut it to whole seconds), where they look for
// tokens, and by no field that the servers read as something else (hashicorp/consul v1.22.0 agent/xds/jwt_authn.go,
// clusters.go; read 2026-11-21).
func checkConsulProvider(p *pass, o *object) {
	at := fieldPath{"spec", "jsonWebKeySet", "remote"}
	remote := get(o.value, "spec", "jsonWebKeySet", "remote")
	for _, a := range []struct {
		at   fieldPath
		text string
	}{{fieldPath{"spec", "issuer"}, str(o.value, "spec", "issuer")}, {at.to("uri"), str(remote, "uri")}} {
		if u, err := url.Parse(a.text); err != nil || u.Scheme != "https" || u.Host == "" {
			o.report(p, ruleConsul, a.at, "%q is no address of https", a.text)
		}
	}
	if ms, _ := integer(remote, "requestTimeoutMs"); ms < 1000 {
		o.report(p, ruleConsul, at.to("requestTimeoutMs"), "%d ms are cut to no second", ms)
	}
	if get(remote, "cacheDuration") != nil {
		o.report(p, ruleConsul, at.to("cacheDuration"), "its nanoseconds are read as seconds")
	}
	if kind := str(remote, "jwksCluster", "discoveryType"); kind != "STRICT_DNS" && kind != "LOGICAL_DNS" {
		o.report(p, ruleConsul, at.to("jwksCluster").to("discoveryType"), "the webhook refuses an object that leaves it out, and an issuer is known by its name: %q", kind)
	}
	if s, _ := integer(o.value, "spec", "clockSkewSeconds"); s < 1 {
		o.report(p, ruleConsul, fieldPath{"spec", "clockSkewSeconds"}, "the servers fill in a number, and the controller writes the object again for it, without end")
	}
	if str(remote, "jwksCluster", "tlsCertificates", "trustedCA", "filename") == "" {
		o.report(p, ruleConsul, at.to("jwksCluster"), "no authority is trusted: no certificate would be looked at")
	}
	if !slices.ContainsFunc(list(o.value, "spec", "locations"), func(l any) bool {
		return str(l, "header", "name") == "Authorization" && str(l, "header", "valuePrefix") == "Bearer " && get(l, "header", "forward") == true
	}) {
		o.report(p, ruleConsul, fieldPath{"spec", "locations"}, "the header of tokens is not looked at, or is taken away from the application")
	}
}

// checkConsulTokens holds the providers that intentions name against those that there are: the proxies of a service get no
// configuration where one is missing. Of a stream no token is asked, whatever its intentions say.
func (p *pass) checkConsulTokens(o *object, protocol map[string]string) {
	providers := list(o.value, "spec", "jwt", "providers")
	if get(o.value, "spec", "jwt") != nil && (len(providers) == 0 || protocol[o.name] == "" || protocol[o.name] == "tcp") {
		o.report(p, ruleConsul, fieldPath{"spec", "jwt"}, "no token is asked for: there is no provider, or the service takes no requests")
	}
	for i, x := range providers {
		if !slices.ContainsFunc(p.objects, func(j *object) bool { return j.is(consulGroup, "JWTProvider") && j.name == str(x, "name") }) {
			o.report(p, ruleConsul, fieldPath{"spec", "jwt", "providers"}.at(i), "there is no JWTProvider %q", str(x, "name"))
		}
	}
}

// checkConsulProviders: each provider is asked for by the intentions of the service of its name, or its tokens are not
// wanted by anybody.
func (p *pass) checkConsulProviders() {
	for _, j := range p.objects {
		if j.is(consulGroup, "JWTProvider") && !slices.ContainsFunc(p.objects, func(o *object) bool {
			return o.is(consulGroup, "ServiceIntentions") && o.name == j.name && o.namespace == j.namespace &&
				slices.ContainsFunc(list(o.value, "spec", "jwt", "providers"), func(x any) bool { return str(x, "name") == j.name })
		}) {
			j.report(p, ruleConsul, fieldPath{"metadata", "name"}, "the intentions of service %s/%s ask for no token of it", j.namespace, j.name)
		}
	}
}
