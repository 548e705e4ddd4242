package verify

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

// ruleSecrets is the rule of docs/<site>/secrets.json.
const ruleSecrets = "MG9601"

// secretsContract is secrets.json, as a consumer of the tree reads it.
type secretsContract struct {
	Comment string         `json:"comment"`
	Site    string         `json:"site"`
	Secrets []listedSecret `json:"secrets"`
	file    *artifact.File
}

// listedSecret is one Secret that the contract promises.
type listedSecret struct {
	Namespace string   `json:"namespace"`
	Name      string   `json:"name"`
	Type      string   `json:"type"`
	Keys      []string `json:"keys"`
	Consumers []string `json:"consumers"`
	Creator   string   `json:"creator"`
	Issuer    string   `json:"issuer"`
	Store     string   `json:"store"`
	RemoteKey string   `json:"remoteKey"`
	Why       string   `json:"why"`
}

func (s *listedSecret) id() string { return s.Namespace + "/" + s.Name }

// readSecretsContract is the verifier of secrets.json.
func readSecretsContract(f *artifact.File, p *pass) {
	c := &secretsContract{file: f}
	d := json.NewDecoder(bytes.NewReader(f.Bytes()))
	d.DisallowUnknownFields()
	if err := d.Decode(c); err != nil {
		p.report(f, 0, ruleSecrets, "not the JSON of a contract: %v", err)
		return
	}
	if c.Site != p.releases.Site {
		p.report(f, 0, ruleSecrets, "it names site %q", c.Site)
	}
	p.contract = c
}

// checkSecretsContract holds the contract against the tree, in both directions.
func (p *pass) checkSecretsContract(refs []SecretRef) {
	c := p.contract
	if c == nil {
		if len(refs) > 0 {
			p.missing(ruleSecrets, "%s reads Secret %s/%s, and docs/%s/secrets.json does not exist", refs[0].By, refs[0].Namespace, refs[0].Name, p.releases.Site)
		}
		return
	}
	listed := map[string]*listedSecret{}
	for i := range c.Secrets {
		s := &c.Secrets[i]
		if listed[s.id()] != nil {
			p.report(c.file, 0, ruleSecrets, "it lists Secret %s twice", s.id())
		}
		listed[s.id()] = s
		p.checkListed(c, s, refs)
	}
	for _, r := range refs {
		s := listed[r.Namespace+"/"+r.Name]
		if s == nil {
			p.report(c.file, 0, ruleSecrets, "it does not list Secret %s/%s, which %s reads", r.Namespace, r.Name, r.By)
			continue
		}
		for _, k := range r.Keys {
			if !slices.Contains(s.Keys, k) {
				p.report(c.file, 0, ruleSecrets, "%s reads key %q of Secret %s, which it lists without that key", r.By, k, s.id())
			}
		}
		if !slices.Contains(s.Consumers, r.By) {
			p.report(c.file, 0, ruleSecrets, "%s reads Secret %s and is not among its consumers", r.By, s.id())
		}
	}
	makers := p.secretMakers()
	for _, id := range sortedKeys(makers) {
		if listed[id] == nil {
			p.report(c.file, 0, ruleSecrets, "it does not list Secret %s, which %s makes", id, makers[id])
		}
	}
}

// secretTypeKeys are the keys without which the API server refuses a Secret of a type, or its readers do.
var secretTypeKeys = map[string][]string{
	"kubernetes.io/dockerconfigjson": {".dockerconfigjson"},
	linkSecret:                       {"kubeconfig"},
	"kubernetes.io/basic-auth":       {"password"},
	"kubernetes.io/tls":              {"tls.crt", "tls.key"},
	"Opaque":                         nil,
}

// checkListed checks one entry: its form, its consumers and its maker.
func (p *pass) checkListed(c *secretsContract, s *listedSecret, refs []SecretRef) {
	report := func(format string, args ...any) {
		p.report(c.file, 0, ruleSecrets, "Secret %s: "+format, append([]any{s.id()}, args...)...)
	}
	need, known := secretTypeKeys[s.Type]
	if !known || len(s.Keys) == 0 || s.Why == "" {
		report("type %q, keys %v or reason %q is none", s.Type, s.Keys, s.Why)
	}
	for _, k := range need {
		if !slices.Contains(s.Keys, k) {
			report("type %s needs key %q", s.Type, k)
		}
	}
	if len(s.Consumers) == 0 {
		report("nobody reads it")
	}
	for _, consumer := range s.Consumers {
		if host, ok := strings.CutPrefix(consumer, "switch "); ok {
			if !p.switchReads(host, s.Name) {
				report("the file of switch %s has no place for it", host)
			}
		} else if !slices.ContainsFunc(refs, func(r SecretRef) bool {
			return r.By == consumer && r.Namespace == s.Namespace && r.Name == s.Name
		}) {
			report("%s does not read it", consumer)
		}
	}
	maker := p.makerOf(s)
	switch {
	case s.Creator == "by hand" && maker == nil:
	case s.Creator == "cert-manager" && maker != nil && maker.kind == "Certificate":
		if issuer := str(maker.value, "spec", "issuerRef", "name"); issuer != s.Issuer || s.Type != "kubernetes.io/tls" {
			report("%s is of issuer %q and makes type kubernetes.io/tls, not issuer %q and type %s", maker, issuer, s.Issuer, s.Type)
		}
	case s.Creator == "external-secrets" && maker != nil && maker.kind == "ExternalSecret":
		p.checkExternalSecret(maker, s)
	case maker != nil:
		report("its creator is %q, and %s makes it", s.Creator, maker)
	default:
		report("its creator is %q, and no object of the tree is there for it", s.Creator)
	}
}

// switchReads reports whether a switch file has the word that stands for the Secret's password.
func (p *pass) switchReads(hostname, secret string) bool {
	for _, f := range p.tree.Files() {
		if site, host, _, ok := fabricFile(f.Path()); ok && site == p.releases.Site && host == hostname {
			return bytes.Contains(f.Bytes(), []byte("@secret:"+secret+"/password@"))
		}
	}
	return false
}

// makerOf returns the object from which a controller makes the Secret, or nil.
func (p *pass) makerOf(s *listedSecret) *object {
	maker := p.secretMakers()[s.id()]
	for _, o := range p.objects {
		if maker != "" && isNamed(o, maker) {
			return o
		}
	}
	return nil
}

// checkExternalSecret checks that what comes from the store is what is listed, and that it is there in time.
func (p *pass) checkExternalSecret(o *object, s *listedSecret) {
	report := func(path fieldPath, format string, args ...any) { o.report(p, ruleSecrets, path, format, args...) }
	if kind, name := str(o.value, "spec", "secretStoreRef", "kind"), str(o.value, "spec", "secretStoreRef", "name"); kind != "ClusterSecretStore" || name != s.Store {
		report(fieldPath{"spec", "secretStoreRef"}, "%s %q is not ClusterSecretStore %q of secrets.json", kind, name, s.Store)
	}
	if t := str(o.value, "spec", "target", "template", "type"); t != s.Type {
		report(fieldPath{"spec", "target", "template", "type"}, "%q is not the type %q of secrets.json", t, s.Type)
	}
	if len(dict(o.value, "spec", "target", "template", "data")) > 0 {
		report(fieldPath{"spec", "target", "template", "data"}, "values come from the store and from nowhere else")
	}
	var keys []string
	for _, d := range list(o.value, "spec", "data") {
		key := str(d, "secretKey")
		keys = append(keys, key)
		if remote, property := str(d, "remoteRef", "key"), str(d, "remoteRef", "property"); remote != s.RemoteKey || property != key {
			report(fieldPath{"spec", "data"}, "key %q comes from %q, property %q; secrets.json has %q", key, remote, property, s.RemoteKey)
		}
	}
	if slices.Sort(keys); !slices.Equal(keys, s.Keys) {
		report(fieldPath{"spec", "data"}, "keys %v are not %v of secrets.json", keys, s.Keys)
	}
	for _, other := range p.objects {
		consumer := slices.ContainsFunc(s.Consumers, func(c string) bool { return isNamed(other, c) })
		namespace := other.is("", "Namespace") && other.name == o.namespace
		if consumer && phaseOf(other) <= phaseOf(o) || namespace && phaseOf(other) >= phaseOf(o) {
			report(nil, "phase %s is no phase between its namespace and %s, in %s", phaseOf(o), other, phaseOf(other))
		}
	}
}

// isNamed reports whether "Kind namespace/name" is the object.
func isNamed(o *object, consumer string) bool {
	kind, id, _ := strings.Cut(consumer, " ")
	namespace, name, _ := strings.Cut(id, "/")
	return o.kind == kind && o.namespace == namespace && o.name == name && o.within == nil
}

// phaseOf returns the folder of the overlay that an object stands in: phases are applied in the order of their names.
func phaseOf(o *object) string {
	parts := strings.Split(o.file.Path(), "/")
	return parts[len(parts)-2]
}
