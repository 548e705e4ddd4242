package rules

import (
	"regexp"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
)

// fluxRules are the rules about delivery by Flux.
var fluxRules = []*check.Rule{
	FluxRepositoryAddress,
	FluxRepositorySecret,
	FluxRevisionTag,
	RepositorySecretUnused,
}

// FluxRepositoryAddress finds a repository that Flux cannot read.
var FluxRepositoryAddress = &check.Rule{
	ID: "MG8223", Name: "flux-repository-address", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `Flux reads the output from an address that it cannot read

The API server refuses the object that names it, so that nothing is delivered.
Source: fluxcd/source-controller, api/v1 GitRepositorySpec, url.`,
	Run: func(p *check.Pass) {
		d := p.Site.Delivery
		scheme, _, _ := strings.Cut(d.Repository, "://")
		if d.Kind == "flux" && d.Repository != "" && scheme != "https" && scheme != "http" && scheme != "ssh" {
			p.Reportf("delivery.repository", "Flux reads no repository at %s", withoutUser(d.Repository)).Hintf("https:// or ssh://")
		}
	},
}

// FluxRepositorySecret finds a repository over ssh without a key.
var FluxRepositorySecret = &check.Rule{
	ID: "MG8224", Name: "flux-repository-secret", Severity: diag.Error, On: check.OnSite,
	Doc: `Flux reads the output over ssh, and no Secret with a key is named

Nobody is let in over ssh without one, and Flux does not even try: nothing is delivered.
Source: fluxcd.io, Git Repositories, secret reference: ssh needs identity and known_hosts.`,
	Run: func(p *check.Pass) {
		if d := p.Site.Delivery; d.Kind == "flux" && strings.HasPrefix(d.Repository, "ssh://") && d.RepositorySecret == "" {
			p.Reportf("delivery.repository", "Flux has no key for %s", withoutUser(d.Repository)).
				Hintf("repositorySecret: with the name of a Secret that has the keys identity and known_hosts")
		}
	},
}

// versionLike is what people call tags and seldom branches.
var versionLike = regexp.MustCompile(`^v?[0-9]+(\.[0-9]+)*$`)

// FluxRevisionTag finds a tag that Flux would look for among the branches.
var FluxRevisionTag = &check.Rule{
	ID: "MG8225", Name: "flux-revision-tag", Severity: diag.Warning, On: check.OnSite,
	Doc: `the revision that Flux reads looks like a tag, and is taken for a branch

Flux has to be told which of the two it is. Where there is no such branch, nothing is delivered.
Source: fluxcd/source-controller, api/v1 GitRepositoryRef.`,
	Run: func(p *check.Pass) {
		if d := p.Site.Delivery; d.Kind == "flux" && versionLike.MatchString(d.Revision) {
			p.Reportf("delivery.revision", "Flux looks for a branch %q", d.Revision).Hintf("for a tag: %q", "refs/tags/"+d.Revision)
		}
	},
}

// RepositorySecretUnused finds a Secret that nobody reads.
var RepositorySecretUnused = &check.Rule{
	ID: "MG8226", Name: "repository-secret-unused", Severity: diag.Warning, On: check.OnSite,
	Doc: `a Secret for the repository is named, and what delivers does not read it

Argo CD finds its credentials by the address of the repository, in a Secret of its own; people have their own. Whoever
makes this one believes that it is needed.
Source: argo-cd.readthedocs.io, declarative setup, repositories.`,
	Run: func(p *check.Pass) {
		if d := p.Site.Delivery; d.Kind != "flux" && d.RepositorySecret != "" {
			p.Reportf("delivery.repositorySecret", "delivery by %s does not read Secret %q", d.Kind, d.RepositorySecret).Hintf("leave it out")
		}
	},
}
