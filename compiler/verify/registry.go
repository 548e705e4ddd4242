package verify

import (
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Registry is where images and charts of a site come from.
type Registry struct {
	Hosts  []string // that its output may refer to
	Closed bool     // and to no others
}

// references of two forms: addresses with a scheme, and images of well-known public registries.
var (
	schemed = regexp.MustCompile("(?:https?|oci|git|ssh)://([A-Za-z0-9.-]+)")
	public  = regexp.MustCompile(`(?:^|[^A-Za-z0-9./-])((?:docker\.io|quay\.io|ghcr\.io|gcr\.io|[a-z0-9-]+\.gcr\.io|registry\.k8s\.io|k8s\.gcr\.io|cr\.l5d\.io|registry\.istio\.io|public\.ecr\.aws|mcr\.microsoft\.com|[a-z0-9-]+\.pkg\.dev)/[A-Za-z0-9./_-]+)`)
)

// mirrorList is the document that says what is copied from where: the one place for names of others.
const mirrorList = "MIRROR.md"

// svgSpace says that elements are SVG's: a name, which nothing fetches.
const svgSpace = `xmlns="http://www.w3.org/2000/svg"`

// checkRegistry looks through every file of a closed site for names of others: what the chart or the program would fetch
// from there never comes. Names that services of the cluster have, and addresses, are its own.
func (p *pass) checkRegistry() {
	r := p.releases.Registry
	if r == nil || !r.Closed {
		return
	}
	for _, f := range p.tree.Files() {
		if path.Base(f.Path()) == mirrorList {
			continue
		}
		for i, line := range strings.Split(string(f.Bytes()), "\n") {
			line = strings.ReplaceAll(line, svgSpace, "")
			for _, m := range schemed.FindAllStringSubmatch(line, -1) {
				if host := strings.TrimSuffix(m[1], "."); !r.own(host) {
					p.report(f, i+1, ruleRegistry, "refers to %s, which is outside a closed site", host)
				}
			}
			for _, m := range public.FindAllStringSubmatch(line, -1) {
				p.report(f, i+1, ruleRegistry, "names %s, which is outside a closed site", m[1])
			}
		}
	}
	for _, name := range sortedKeys(p.releases.Charts) {
		if c := p.releases.Charts[name]; !slices.Contains(r.Hosts, hostOf(c.Repository)) {
			p.missing(ruleRegistry, "chart %s comes from %s, which is outside a closed site", c.Name, c.Repository)
		}
	}
}

func hostOf(address string) string {
	if m := schemed.FindStringSubmatch(address); m != nil {
		return m[1]
	}
	return ""
}

// own reports whether a host is the site's.
func (r *Registry) own(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return !strings.Contains(host, ".") || slices.Contains(r.Hosts, host) || strings.Contains(host, ".svc") || strings.HasSuffix(host, ".local")
}

// pullSecrets are the credentials that charts are told of, in whichever key they have them.
func (p *pass) pullSecrets(makers map[string]string) []SecretRef {
	var out []SecretRef
	read := func(name, ns string, v *values) {
		for _, at := range []any{get(v.value, "imagePullSecrets"), get(v.value, "global", "imagePullSecrets")} {
			for _, ref := range list(at) {
				secret, ok := ref.(string)
				if !ok {
					secret = str(ref, "name")
				}
				out = append(out, SecretRef{Namespace: ns, Name: secret, Keys: []string{".dockerconfigjson"}, By: "chart " + name, MadeBy: makers[ns+"/"+secret]})
			}
		}
	}
	for _, name := range sortedKeys(p.values) {
		read(name, p.releases.Charts[name].Namespace, p.values[name])
	}
	for _, name := range sortedKeys(p.upgradeValues) {
		if u := p.releases.Upgrade; u != nil && p.values[name] == nil { // a release that is there for a step of an upgrade alone
			read(name, u.Values[name].Namespace, p.upgradeValues[name])
		}
	}
	return out
}
