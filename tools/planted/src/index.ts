export {
  copyPackage,
  copyPackages,
  type PlantedFault,
  packageWith,
  plant,
} from './planted-source.ts'
