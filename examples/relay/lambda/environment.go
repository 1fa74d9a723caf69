package main

import (
	"errors"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
)

// fromEnvironment returns what a client has to know in a Lambda function:
// region and keys are in its environment, and nowhere else. It finds what
// config.LoadDefaultConfig finds there, without the clients for single sign-on,
// sign-in and STS that package config has for looking elsewhere. They would be
// a fifth of the program, and of the time until it asks for its first event.
//
// Where it is too little (AWS_RETRY_MODE, AWS_USE_FIPS_ENDPOINT, keys from a
// container's endpoint), config.LoadDefaultConfig takes its place.
func fromEnvironment() (aws.Config, error) {
	region, key, secret := os.Getenv("AWS_REGION"), os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY")
	if region == "" || key == "" || secret == "" {
		return aws.Config{}, errors.New("AWS_REGION, AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is not set, as Lambda does; elsewhere use config.LoadDefaultConfig")
	}
	return aws.Config{
		Region:      region,
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, os.Getenv("AWS_SESSION_TOKEN")),
	}, nil
}

func busEndpoint(o *eventbridge.Options) { o.BaseEndpoint = endpoint("EVENTBRIDGE") }

func tableEndpoint(o *dynamodb.Options) { o.BaseEndpoint = endpoint("DYNAMODB") }

// endpoint returns the URL that the environment has for a service, nil for the
// service's own.
func endpoint(service string) *string {
	for _, name := range []string{"AWS_ENDPOINT_URL_" + service, "AWS_ENDPOINT_URL"} {
		if url := os.Getenv(name); url != "" {
			return &url
		}
	}
	return nil
}
