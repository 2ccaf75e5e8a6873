export type LoaderServices = object;
export class Loaders {
  constructor(_services: LoaderServices) {}
}
