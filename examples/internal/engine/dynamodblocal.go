package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// https://central.sonatype.com/artifact/software.amazon.dynamodb/DynamoDBLocal
const (
	dynamoDBLocalVersion   = "3.1.0"
	mavenDependencyVersion = "3.8.1"
)

const dynamoDBLocalPOM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>dynamodb-outbox</groupId>
  <artifactId>dynamodb-local</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>software.amazon.dynamodb</groupId>
      <artifactId>DynamoDBLocal</artifactId>
      <version>` + dynamoDBLocalVersion + `</version>
    </dependency>
  </dependencies>
</project>
`

func installDynamoDBLocal(ctx context.Context, dir string, say Say) error {
	if err := os.WriteFile(filepath.Join(dir, "pom.xml"), []byte(dynamoDBLocalPOM), 0o644); err != nil {
		return err
	}
	err := run(ctx, say, dir, "mvn", "--quiet", "--batch-mode",
		"org.apache.maven.plugins:maven-dependency-plugin:"+mavenDependencyVersion+":copy-dependencies",
		"-DincludeScope=runtime", "-DoutputDirectory=libs")
	if err != nil {
		return err
	}
	jar := filepath.Join(dir, "libs", "DynamoDBLocal-"+dynamoDBLocalVersion+".jar")
	if _, err := os.Stat(jar); err != nil {
		return fmt.Errorf("mvn left no %s", filepath.Base(jar))
	}
	return nil
}

func dynamoDBLocalCommand(dir string, port int) ([]string, error) {
	java, err := FindJava()
	if err != nil {
		return nil, err
	}
	libs := filepath.Join(dir, "libs")
	return []string{
		java,
		// One compiler tier and one collector thread: it starts in half the
		// time, and the tests share few cores.
		"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx1g",
		"--enable-native-access=ALL-UNNAMED",
		"-Djava.library.path=" + libs,
		"-cp", filepath.Join(libs, "*"),
		"software.amazon.dynamodb.services.local.main.ServerRunner",
		"-inMemory", "-port", strconv.Itoa(port), "-disableTelemetry",
	}, nil
}
