package verify

import (
	"slices"
	"strings"
)

// consulGroup is the API group of its configuration.
const consulGroup = "consul.hashicorp.com"

// consulMetrics is the port of proxies that Prometheus reads, named "prometheus" (hashicorp/consul-k8s v2.0.3,
// charts/consul/values.yaml connectInject.metrics).
const consulMetrics = 20200

// consulTunnels is the container port of the chart's gateways that has a name, "gateway" (charts/consul/values.yaml of
// consul-k8s 2.0.3, meshGateway.containerPort; 8443 in terminating-gateways-deployment.yaml).
const consulTunnels = 8443

// consulValues returns the values of its chart and the namespace of the release; nil where it is not in the tree.
func (p *pass) consulValues() (*values, string) {
	for _, name := range sortedKeys(p.values) {
		if c := p.releases.Charts[name]; c.Name == "consul" {
			return p.values[name], c.Namespace
		}
	}
	return nil, ""
}

// consulKeys are where the values of the chart name Secrets: one key of one, or a certificate of type kubernetes.io/tls.
var consulKeys = [][]string{{"global", "gossipEncryption"}, {"global", "tls", "caCert"}, {"global", "acls", "bootstrapToken"}, {"server", "serverCert"}}

// consulSecrets are the Secrets that the chart's pods read and that it does not make itself.
func (p *pass) consulSecrets(makers map[string]string) []SecretRef {
	v, ns := p.consulValues()
	if v == nil {
		return nil
	}
	var out []SecretRef
	for _, at := range consulKeysOf(v) {
		ref := get(v.value, at...)
		keys := []string{"tls.crt", "tls.key"}
		if at[0] == "global" {
			keys = []string{str(ref, "secretKey")}
		}
		if name := str(ref, "secretName"); name != "" {
			out = append(out, SecretRef{Namespace: ns, Name: name, Keys: keys, By: "chart consul", MadeBy: makers[ns+"/"+name]})
		}
	}
	for _, ref := range consulVolumes(v) {
		ref.Namespace, ref.By, ref.MadeBy = ns, "chart consul", makers[ns+"/"+ref.Name]
		out = append(out, ref)
	}
	return out
}

// checkConsul holds what Consul reads of the tree together: nobody gets in by the way the chart is installed, and every
// object speaks of a service that there is, of the protocol that it needs.
func (p *pass) checkConsul() {
	v, namespace := p.consulValues()
	if v == nil {
		return
	}
	for _, at := range consulKeysOf(v) {
		if str(v.value, append(slices.Clone(at), "secretName")...) == "" {
			v.report(p, ruleConsul, fieldPathOf(at), "the chart makes one by itself, or none at all, unless it is given a Secret")
		}
	}
	for _, at := range [][]string{{"global", "tls", "enabled"}, {"global", "tls", "httpsOnly"}, {"global", "acls", "manageSystemACLs"}, {"connectInject", "transparentProxy", "defaultEnabled"},
		{"connectInject", "default"}, {"connectInject", "cni", "enabled"}} {
		if get(v.value, at...) != true {
			v.report(p, ruleConsul, fieldPathOf(at), "must be true")
		}
	}
	if get(v.value, "connectInject", "apiGateway", "manageExternalCRDs") != false {
		v.report(p, ruleConsul, fieldPathOf([]string{"connectInject", "apiGateway", "manageExternalCRDs"}), "the chart's bundle of the Gateway API is older than the cluster's")
	}
	if selector := strings.TrimSpace(str(v.value, "connectInject", "namespaceSelector")); !strings.Contains(selector, consulGroup+"/connect-inject") {
		v.report(p, ruleConsul, fieldPathOf([]string{"connectInject", "namespaceSelector"}), "with default true every pod of the cluster would be taken into the mesh")
	}
	p.checkConsulCA(v)
	p.checkConsulEntries()
	p.checkConsulProviders()
	p.checkConsulGateways()
	p.checkConsulStreams(v)
	p.checkRouteFilters()
	if consulIsWAN(v) {
		p.checkDatacenter(v, namespace)
	} else {
		p.checkPeering(v, namespace)
	}
	p.checkTerminating(v, namespace)
}

func fieldPathOf(at []string) fieldPath {
	out := fieldPath{}
	for _, s := range at {
		out = out.to(s)
	}
	return out
}

// checkConsulEntries: services have one name in the cluster, so that two objects of a kind and name are one.
func (p *pass) checkConsulEntries() {
	protocol, seen, callers := map[string]string{}, map[string]bool{}, map[string]bool{}
	dialed := map[string]bool{}
	denied, permissive, aliases, located := false, false, p.consulAliases(), p.consulLocated()
	for _, o := range p.objects {
		if !o.is(consulGroup, o.kind) {
			continue
		}
		id := o.kind + " " + o.name
		if seen[id] {
			o.report(p, ruleConsul, fieldPath{"metadata", "name"}, "there is another %s: names are the cluster's", id)
		}
		seen[id] = true
		if o.kind == "ServiceDefaults" {
			permissive = permissive || str(o.value, "spec", "mutualTLSMode") == "permissive"
			protocol[o.name], callers[o.name] = str(o.value, "spec", "protocol"), true
			dialed[o.name] = get(o.value, "spec", "transparentProxy", "dialedDirectly") == true
		}
	}
	for _, o := range p.objects {
		if o.is("gateway.networking.k8s.io", "Gateway") {
			callers[o.name] = true
		}
	}
	for _, o := range p.objects {
		if !o.is(consulGroup, o.kind) {
			continue
		}
		requests := protocol[o.name] != "" && protocol[o.name] != "tcp"
		switch o.kind {
		case "ProxyDefaults":
			p.checkConsulTracing(o)
			if number(get(o.value, "spec", "config", "local_request_timeout_ms")) != 0 {
				o.report(p, ruleConsul, fieldPath{"spec", "config"}, "proxies of services would end each request after 15 s, whatever callers are told")
			}
		case "Mesh":
			if get(o.value, "spec", "allowEnablingPermissiveMutualTLS") == true != permissive {
				o.report(p, ruleConsul, fieldPath{"spec", "allowEnablingPermissiveMutualTLS"}, "the servers take no ServiceDefaults that are permissive without it, and without those it is an open door")
			}
		case "ServiceRouter", "ServiceSplitter":
			if dialed[o.name] {
				o.report(p, ruleConsul, fieldPath{"metadata", "name"}, "callers pass it by: those of ServiceDefaults %s dial pods", o.name)
			}
			for i, r := range list(o.value, "spec", "routes") {
				if str(r, "destination", "requestTimeout") == "" {
					o.report(p, ruleConsul, fieldPath{"spec", "routes"}.at(i), "callers would wait 15 s for a request, as for every one of which nothing is said")
				}
			}
			if !requests {
				o.report(p, ruleConsul, fieldPath{"metadata", "name"}, "the servers refuse it: ServiceDefaults %s speak no requests", o.name)
			}
			total := 0.0
			for i, s := range list(o.value, "spec", "splits") {
				total += number(get(s, "weight"))
				if dialed[str(s, "service")] {
					o.report(p, ruleConsul, fieldPath{"spec", "splits"}.at(i), "callers of %q dial its pods", str(s, "service"))
				}
				if protocol[str(s, "service")] != protocol[o.name] {
					o.report(p, ruleConsul, fieldPath{"spec", "splits"}.at(i), "there is no service %q of that protocol", str(s, "service"))
				}
			}
			if o.kind == "ServiceSplitter" && total != 100 {
				o.report(p, ruleConsul, fieldPath{"spec", "splits"}, "weights come to %v, not 100", total)
			}
		case "JWTProvider":
			checkConsulProvider(p, o)
		case "ServiceIntentions":
			p.checkConsulTokens(o, protocol)
			to := str(o.value, "spec", "destination", "name")
			if to == "*" {
				for _, s := range list(o.value, "spec", "sources") {
					denied = denied || str(s, "name") == "*" && str(s, "action") == "deny"
				}
				continue
			}
			if to != o.name || protocol[to] == "" && !aliases[to] {
				o.report(p, ruleConsul, fieldPath{"spec", "destination"}, "there are no ServiceDefaults %q", to)
			}
			if own := p.find(consulGroup, "ServiceDefaults", o.namespace, to); own != nil && get(own.value, "spec", "destination") == nil &&
				protocol[to] != "tcp" && !dialed[to] && p.find(consulGroup, "ServiceRouter", o.namespace, to) == nil {
				o.report(p, ruleConsul, fieldPath{"spec", "destination"}, "no ServiceRouter %q says how long a request may take: callers would wait 15 s", to)
			}
			for i, s := range list(o.value, "spec", "sources") {
				at := fieldPath{"spec", "sources"}.at(i)
				if peer := str(s, "peer"); peer != "" {
					if p.releases.Peers[peer] == "" {
						o.report(p, ruleConsul, at.to("peer"), "%q is no peer", peer)
					}
				} else if name := str(s, "name"); name == "*" && str(s, "action") == "deny" {
					continue
				} else if !callers[name] && !located[to] { // which other datacenters call
					o.report(p, ruleConsul, at.to("name"), "there is no service or gateway %q", name)
				}
				rules := list(s, "permissions")
				if len(rules) > 0 && protocol[to] == "tcp" || (len(rules) == 0) != (str(s, "action") == "allow") {
					o.report(p, ruleConsul, at, "an action, or permissions of a service that takes requests")
				}
			}
		}
	}
	if !denied {
		p.missing(ruleConsul, "no ServiceIntentions refuse whom no other ones admit")
	}
}

// number reads a weight.
func number(v any) float64 {
	switch n := v.(type) {
	case int:
		return float64(n)
	case int64:
		return float64(n)
	case float64:
		return n
	}
	return -1
}

// checkRouteFilters: the controller reads no timeouts of routes, and filters of its own in the route's namespace alone
// (control-plane/api-gateway/common/translation.go of consul-k8s v2.0.3).
func (p *pass) checkRouteFilters() {
	for _, o := range p.objects {
		if !o.is("gateway.networking.k8s.io", "HTTPRoute") {
			continue
		}
		for i, rule := range list(o.value, "spec", "rules") {
			at := fieldPath{"spec", "rules"}.at(i)
			if get(rule, "timeouts") != nil {
				o.report(p, ruleConsul, at.to("timeouts"), "Consul's gateways do not read it: a RouteTimeoutFilter does it")
			}
			for k, f := range list(rule, "filters") {
				ref := get(f, "extensionRef")
				if ref != nil && p.find(str(ref, "group"), str(ref, "kind"), o.namespace, str(ref, "name")) == nil {
					o.report(p, ruleConsul, at.to("filters").at(k).to("extensionRef"), "there is no %s %s/%s: the route would lead nowhere", str(ref, "kind"), o.namespace, str(ref, "name"))
				}
			}
		}
	}
}
