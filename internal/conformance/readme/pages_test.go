package readme

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// page is a Markdown file, by its path from the root.
type page struct {
	path   string
	source []byte
	tree   ast.Node
}

func parse(path string, source []byte) page {
	return page{path, source, goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))}
}

// files returns the files of the repository with one of these endings, by path
// from the root; what is below testdata or a hidden folder is left out.
func files(t *testing.T, endings ...string) []string {
	t.Helper()
	var all []string
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if name := entry.Name(); err == nil && entry.IsDir() && path != root && (name[0] == '.' || name == "testdata" || name == "node_modules") {
			return filepath.SkipDir
		}
		if err == nil && !entry.IsDir() && slices.Contains(endings, filepath.Ext(path)) {
			all = append(all, filepath.ToSlash(strings.TrimPrefix(path, root)))
		}
		return err
	}))
	require.NotEmpty(t, all)
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	source, err := os.ReadFile(root + path)
	require.NoError(t, err)
	return string(source)
}

// pages returns every page of the repository.
func pages(t *testing.T) map[string]page {
	t.Helper()
	all := map[string]page{}
	for _, path := range files(t, ".md") {
		all[path] = parse(path, []byte(read(t, path)))
	}
	require.Contains(t, all, "docs/operations.md")
	return all
}

// walk calls see for each node of the page, in its order.
func (p page) walk(see func(ast.Node)) {
	_ = ast.Walk(p.tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			see(n)
		}
		return ast.WalkContinue, nil
	})
}

// words is the text of a node, without its marks.
func (p page) words(n ast.Node) string {
	var all strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			all.Write(t.Value(p.source))
		}
		all.WriteString(p.words(c))
	}
	return all.String()
}

// anchors are what a link to a part of the page may name, in the way of GitHub.
func (p page) anchors() map[string]bool {
	all := map[string]bool{}
	p.walk(func(n ast.Node) {
		heading, ok := n.(*ast.Heading)
		if !ok {
			return
		}
		slug := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, p.words(heading))
		name := slug
		for i := 1; all[name]; i++ {
			name = slug + "-" + strconv.Itoa(i)
		}
		all[name] = true
	})
	return all
}

// link is one of a page, with its words.
type link struct{ to, words string }

var inHTML = regexp.MustCompile(`(?:src|srcset|href)="([^"]+)"`)

func (p page) links() []link {
	var all []link
	p.walk(func(n ast.Node) {
		switch n := n.(type) {
		case *ast.Link:
			all = append(all, link{string(n.Destination), p.words(n)})
		case *ast.Image:
			all = append(all, link{to: string(n.Destination)})
		}
	})
	for _, found := range inHTML.FindAllSubmatch(p.source, -1) {
		all = append(all, link{to: string(found[1])})
	}
	return all
}

var (
	testNames = regexp.MustCompile(`\b(?:Test|Example)\w+`)
	elsewhere = regexp.MustCompile(`^(https?|mailto):`)
)

// broken says which links of a page lead nowhere, and which tests it names that
// are not there; sources are the Go files of the repository.
func broken(p page, all map[string]page, sources map[string]string) []string {
	var wrong []string
	for _, l := range p.links() {
		if elsewhere.MatchString(l.to) {
			continue
		}
		file, anchor, _ := strings.Cut(l.to, "#")
		target := p.path
		if file != "" {
			target = filepath.ToSlash(filepath.Join(filepath.Dir(p.path), file))
		}
		if _, err := os.Stat(root + target); err != nil && target != p.path {
			wrong = append(wrong, "no file "+target)
			continue
		}
		if to, ok := all[target]; anchor != "" && (!ok || !to.anchors()[anchor]) {
			wrong = append(wrong, "no heading #"+anchor+" in "+target)
		}
		for _, test := range testNames.FindAllString(l.words, -1) {
			if !strings.Contains(sources[target], "func "+test+"(") {
				wrong = append(wrong, "no "+test+" in "+target)
			}
		}
	}
	return wrong
}

func goFiles(t *testing.T) map[string]string {
	t.Helper()
	sources := map[string]string{}
	for _, path := range files(t, ".go") {
		sources[path] = read(t, path)
	}
	return sources
}

// TestLinks follows the links of every page to files and headings of the
// repository, and looks for each test that a link or a text names.
func TestLinks(t *testing.T) {
	all, sources := pages(t), goFiles(t)
	every := strings.Join(slices.Collect(maps.Values(sources)), "\n")
	for _, p := range all {
		for _, wrong := range broken(p, all, sources) {
			t.Errorf("%s: %s", p.path, wrong)
		}
		for _, found := range regexp.MustCompile(`[^:\w](Test[A-Z]\w+)`).FindAllStringSubmatch(string(p.source), -1) {
			if !strings.Contains(every, "func "+found[1]) { // a pattern of -run may be the beginning
				t.Errorf("%s names %s, which is nowhere", p.path, found[1])
			}
		}
	}
}

// TestABrokenLinkIsFound: what TestLinks can find.
func TestABrokenLinkIsFound(t *testing.T) {
	p := parse("docs/here.md", []byte("# One `two`: three\n# One two three\n"+
		"[a](#one-two-three) [b](#one-two-three-1) [c](#one) [d](../README.md#nowhere) [e](gone.md) <img src=\"gone.svg\">\n"+
		"[TestLinks](../internal/conformance/readme/pages_test.go) [TestLinks, TestGone](../internal/conformance/readme/pages_test.go) ![f](gone.png) [g](https://example.com/gone)\n"))
	require.Equal(t, []string{
		"no heading #one in docs/here.md", "no heading #nowhere in README.md", "no file docs/gone.md",
		"no TestGone in internal/conformance/readme/pages_test.go", "no file docs/gone.png", "no file docs/gone.svg",
	}, broken(p, map[string]page{"docs/here.md": p, "README.md": parse("README.md", nil)}, goFiles(t)))
}
