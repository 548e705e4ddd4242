package rules

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// deliveryRules are the rules about delivery and upgrades.
var deliveryRules = []*check.Rule{
	DeliveryRepository,
	CredentialsInURL,
	RepositoryInClear,
	HostFormMissing,
	HostFormUnused,
	HostFormTwice,
	AirGappedRegistry,
	AirGappedPullSecret,
	AirGappedTime,
	AirGappedBundle,
	OpenELBPullSecret,
	PatchSecret,
	WindowEmpty,
	WindowDayTwice,
	BudgetNothing,
	BudgetEverything,
	SurviveControlPlane,
	SurviveToR,
	SurviveSpine,
}

// DeliveryRepository finds a delivery from a repository that is not named.
var DeliveryRepository = &check.Rule{
	ID: "MG8101", Name: "delivery-repository", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the site is delivered from a Git repository and does not say from which

What runs in the cluster reads the output there, and has to be told the address.`,
	Run: func(p *check.Pass) {
		if d := p.Site.Delivery; d.Kind != "kustomize" && d.Repository == "" {
			p.Reportf("delivery", "delivery by %s reads the output from a repository, and none is named", d.Kind).
				Hintf(`add delivery: repository: "https://…", or deliver by hand: delivery: kind: "kustomize"`)
		}
	},
}

// withoutUser is a URL without the user and password in it: findings must not spread them.
func withoutUser(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		scheme, rest = "", text
	} else {
		scheme += "://"
	}
	authority, path, found := strings.Cut(rest, "/")
	authority = authority[strings.LastIndexByte(authority, '@')+1:]
	if found {
		path = "/" + path
	}
	return scheme + authority + path
}

// hasCredentials reports whether a URL carries a password, or a token in the place of a user.
func hasCredentials(text string) bool {
	scheme, rest, ok := strings.Cut(text, "://")
	authority, _, _ := strings.Cut(rest, "/")
	user := strings.LastIndexByte(authority, '@')
	if !ok || user < 0 {
		return false
	}
	return scheme != "ssh" || strings.Contains(authority[:user], ":")
}

// CredentialsInURL finds a secret in the file.
var CredentialsInURL = &check.Rule{
	ID: "MG8201", Name: "credentials-in-url", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a web address carries a user's password or token

The site is read by everybody who reviews it, and the address is written into objects and logs: the secret is public from
then on, and has to be replaced.
Source: RFC 3986, section 3.2.1.`,
	Run: func(p *check.Pass) {
		look := func(path, text, instead string) {
			if hasCredentials(text) {
				p.Reportf(path, "the address of %s carries credentials", withoutUser(text)).Secret().
					Hintf("%q, and %s; replace what was written here", withoutUser(text), instead)
			}
		}
		look("delivery.repository", p.Site.Delivery.Repository, "the credentials in a Secret of what delivers")
		if r := p.Site.Registry; r != nil {
			look("registry.charts", r.Charts, "the credentials in the Secret that pullSecret names")
		}
		for s := range services(p.Site) {
			if s.JWT != nil {
				look(s.path+".jwt.issuer", s.JWT.Issuer, "no credentials at all: keys of an issuer are public")
				look(s.path+".jwt.jwksURI", s.JWT.JWKSURI, "no credentials at all: keys of an issuer are public")
			}
		}
	},
}

// RepositoryInClear finds a delivery that anybody on the way can change.
var RepositoryInClear = &check.Rule{
	ID: "MG8202", Name: "repository-in-clear", Severity: diag.Warning, On: check.OnSite,
	Doc: `the output is read from a repository over plain http

Whoever is on the way decides what the cluster applies.`,
	Run: func(p *check.Pass) {
		if d := p.Site.Delivery; strings.HasPrefix(d.Repository, "http://") {
			p.Reportf("delivery.repository", "%s reads the output over plain http from %s", d.Kind, withoutUser(d.Repository)).
				Hintf("%q, or ssh://", "https"+strings.TrimPrefix(withoutUser(d.Repository), "http"))
		}
	},
}

// HostFormMissing finds machines that no form of the host configuration fits.
var HostFormMissing = &check.Rule{
	ID: "MG8204", Name: "host-form-missing", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `machines get no host configuration: none of the forms fits their operating system

Talos takes machine configuration and nothing else, and no other system takes that. Time, kernel parameters and limits
stay as they were installed, and everything that is sized by them is wrong.
Source: Talos Linux, Machine configuration: there is no shell and no package manager.`,
	Run: func(p *check.Pass) {
		forms := p.Site.Delivery.Hosts
		talos := slices.Contains(forms, "talos")
		others := slices.ContainsFunc(forms, func(f string) bool { return f != "talos" })
		for _, want := range []struct {
			talos, met bool
			hint       string
		}{
			{true, talos, `hosts: ["talos"]`},
			{false, others, `hosts: ["files"], or "ansible", or "cloud-init"`},
		} {
			var classes []string
			for cn, c := range byKey(p.Site.NodeClasses) {
				if !want.met && strings.HasPrefix(c.OS, "talos") == want.talos {
					classes = append(classes, cn)
				}
			}
			if len(classes) == 0 {
				continue
			}
			r := p.Reportf("delivery.hosts", "host configuration comes as %s, which fits no machine of class %s", oneOf(forms), strings.Join(classes, ", ")).
				Hintf("%s", want.hint)
			for _, cn := range classes {
				r.Related(site.Join("nodeClasses", cn, "os"), "class %q runs %s", cn, p.Site.NodeClasses[cn].OS)
			}
		}
	},
}

func oneOf(list []string) string { return cmp.Or(strings.Join(list, ", "), "nothing") }

// HostFormUnused finds machine configuration for Talos where no machine runs it.
var HostFormUnused = &check.Rule{
	ID: "MG8205", Name: "host-form-unused", Severity: diag.Warning, On: check.OnSite,
	Doc: `host configuration is written for Talos, and no machine runs it

The files are reviewed with every change, and nothing takes them.`,
	Run: func(p *check.Pass) {
		i := slices.Index(p.Site.Delivery.Hosts, "talos")
		if i < 0 || len(p.Site.Delivery.Hosts) == 1 {
			return // alone it leaves machines without any: host-form-missing
		}
		for _, c := range p.Site.NodeClasses {
			if strings.HasPrefix(c.OS, "talos") {
				return
			}
		}
		p.Reportf("delivery.hosts."+site.Index(i), "host configuration comes in form \"talos\" as well, and no machine runs Talos").
			Related("nodeClasses", "the machines").Hintf("leave it out")
	},
}

// HostFormTwice finds a form that stands twice.
var HostFormTwice = &check.Rule{
	ID: "MG8206", Name: "host-form-twice", Severity: diag.Warning, On: check.OnSite,
	Doc: `a form of host configuration stands twice

Whoever takes one of the two away believes that it is gone.`,
	Run: func(p *check.Pass) {
		for i, f := range p.Site.Delivery.Hosts {
			if j := slices.Index(p.Site.Delivery.Hosts, f); j < i {
				p.Reportf("delivery.hosts."+site.Index(i), "host configuration comes in form %q twice", f).
					Related("delivery.hosts."+site.Index(j), "first named here").Hintf("leave one of them out")
			}
		}
	},
}

// AirGappedRegistry finds a closed site that would pull from the Internet.
var AirGappedRegistry = &check.Rule{
	ID: "MG8208", Name: "air-gapped-registry", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a closed site takes images or charts from upstream

Nothing upstream can be reached from there: pods wait in ImagePullBackOff, the first time on the day that a node is
replaced.`,
	Run: func(p *check.Pass) {
		if !p.Site.AirGapped {
			return
		}
		r := p.Site.Registry
		if r == nil {
			p.Reportf("airGapped", "the site is closed, and no registry is given: images and charts would come from upstream").
				Hintf(`registry: {images: "registry.example.net", charts: "oci://registry.example.net/charts"}, with its own names`)
			return
		}
		if r.Images == "" {
			p.Reportf("registry", "the site is closed, and its images come from upstream").Related("airGapped", "closed").Hintf("registry: images: with the host of a mirror")
		}
		if r.Charts == "" {
			p.Reportf("registry", "the site is closed, and its charts come from upstream").Related("airGapped", "closed").Hintf(`registry: charts: "oci://…"`)
		}
		if m := p.Profiles.Mesh(p.Site.Mesh.Kind); m != nil && r.Images != "" {
			for _, line := range m.Lines() {
				hub, _, _ := strings.Cut(m.Releases[line].Hub, "/")
				if host, _, _ := strings.Cut(r.Images, "/"); hub != "" && host == hub {
					p.Reportf("registry.images", "the site is closed, and its images come from %s, which is upstream of mesh %s", host, p.Site.Mesh.Kind).
						Related("airGapped", "closed").Hintf("registry: images: with the host of a mirror")
					return
				}
			}
		}
	},
}

// AirGappedPullSecret finds a closed site whose registry asks nobody who he is.
var AirGappedPullSecret = &check.Rule{
	ID: "MG8209", Name: "air-gapped-pull-secret", Severity: diag.Note, On: check.OnSite,
	Doc: `the registry of a closed site needs no credentials

It is the one source of all that runs there: whoever reaches it on the network reads every image, and where pushing is as
open, replaces it.`,
	Run: func(p *check.Pass) {
		if r := p.Site.Registry; p.Site.AirGapped && r != nil && r.Images != "" && r.PullSecret == "" {
			p.Reportf("registry", "the site is closed, and registry %s gives images to everybody", r.Images).Hintf("registry: pullSecret: with the name of a Secret")
		}
	},
}

// AirGappedTime finds a closed site whose time comes from the Internet.
var AirGappedTime = &check.Rule{
	ID: "MG8210", Name: "air-gapped-time", Severity: diag.Warning, On: check.OnSite,
	Doc: `a closed site takes time from a public address

It cannot be reached from there. The source counts in reviews and never answers.
Source: RFC 1918 and RFC 4193, private addresses.`,
	Run: func(p *check.Pass) {
		if !p.Site.AirGapped {
			return
		}
		for name, t := range byKey(p.Site.Time.Sources) {
			a, err := netip.ParseAddr(t.Address)
			if err != nil || !a.IsGlobalUnicast() || a.Unmap().IsPrivate() || documentation(a) {
				continue
			}
			p.Reportf(site.Join("time", "sources", name, "address"), "the site is closed, and time source %q has the public address %s", name, t.Address).
				Related("airGapped", "closed").Hintf("a source inside, with an address of RFC 1918 or RFC 4193")
		}
	},
}

// documentation reports whether an address stands for another one in a text.
func documentation(a netip.Addr) bool {
	for _, text := range []string{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"} {
		if netip.MustParsePrefix(text).Contains(a) {
			return true
		}
	}
	return false
}

// PatchSecret finds a patch that writes a secret down.
var PatchSecret = &check.Rule{
	ID: "MG8214", Name: "patch-of-secret", Severity: diag.Error, On: check.OnSite,
	Doc: `a patch writes the data of a Secret

The site is read by everybody who reviews it: what stands in the patch is no secret any more.`,
	Run: func(p *check.Pass) {
		for i, patch := range p.Site.Patches {
			if patch.Target.Kind == "Secret" && (strings.Contains(patch.Patch, "stringData") || strings.Contains(patch.Patch, "data")) {
				p.Reportf("patches."+site.Index(i)+".patch", "the patch of Secret %q writes its data down", patch.Target.Name).
					Hintf("a store that makes the Secret: secrets: provider").Related("patches."+site.Index(i)+".target", "the Secret")
			}
		}
	},
}
