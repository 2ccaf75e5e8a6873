/** Where GraphQL is served; the page at /graphiql asks it by this name too. */
export const GRAPHQL_PATH = '/graphql';
